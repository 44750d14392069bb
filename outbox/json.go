package outbox

import "errors"

// maxJSONDepth bounds recursion over nested arrays and objects.
const maxJSONDepth = 1000

var (
	errJSONSyntax  = errors.New("is not valid JSON")
	errJSONDepth   = errors.New("is JSON nested too deeply")
	errJSONUnicode = errors.New("has a \\u escape that is half of a surrogate pair")
)

// jsonScanner walks over JSON text (RFC 8259) without building anything: values come out as the bytes that stand there.
type jsonScanner struct {
	data []byte
	at   int
}

// kind of a JSON value: the byte it begins with, 'n', 't', 'f' for the literals and '0' for any number.
type jsonKind byte

// value scans one value and returns its text.
func (s *jsonScanner) value(depth int) (jsonKind, []byte, error) {
	s.space()
	start := s.at
	kind, err := s.skip(depth)
	return kind, s.data[start:s.at], err
}

func (s *jsonScanner) skip(depth int) (jsonKind, error) {
	if depth > maxJSONDepth {
		return 0, errJSONDepth
	}
	switch c := s.peek(); c {
	case '{':
		return '{', s.skipObject(depth)
	case '[':
		return '[', s.skipArray(depth)
	case '"':
		_, err := s.str()
		return '"', err
	case 't':
		return 't', s.literal("true")
	case 'f':
		return 'f', s.literal("false")
	case 'n':
		return 'n', s.literal("null")
	default:
		return '0', s.number()
	}
}

func (s *jsonScanner) skipObject(depth int) error {
	more, err := s.open('{', '}')
	for ; more && err == nil; more, err = s.next('}') {
		if _, err := s.key(); err != nil {
			return err
		}
		if _, _, err := s.value(depth + 1); err != nil {
			return err
		}
	}
	return err
}

func (s *jsonScanner) skipArray(depth int) error {
	more, err := s.open('[', ']')
	for ; more && err == nil; more, err = s.next(']') {
		if _, _, err := s.value(depth + 1); err != nil {
			return err
		}
	}
	return err
}

// open consumes the opening bracket and says whether there is a first element; it consumes the closing one otherwise.
func (s *jsonScanner) open(opening, closing byte) (more bool, err error) {
	s.space()
	if !s.take(opening) {
		return false, errJSONSyntax
	}
	s.space()
	return !s.take(closing), nil
}

// next consumes what follows an element: a comma, then there is another one, or the closing bracket.
func (s *jsonScanner) next(closing byte) (more bool, err error) {
	s.space()
	if s.take(',') {
		return true, nil
	}
	if s.take(closing) {
		return false, nil
	}
	return false, errJSONSyntax
}

// key consumes a member's name and the colon, and returns the name between its quotes, escapes unresolved.
func (s *jsonScanner) key() ([]byte, error) {
	s.space()
	name, err := s.str()
	if err != nil {
		return nil, err
	}
	s.space()
	if !s.take(':') {
		return nil, errJSONSyntax
	}
	return name, nil
}

// str consumes a string and returns what stands between the quotes, escapes checked and unresolved.
func (s *jsonScanner) str() ([]byte, error) {
	if !s.take('"') {
		return nil, errJSONSyntax
	}
	start := s.at
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return s.data[start : s.at-1], nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < 0x20:
			return nil, errJSONSyntax
		default:
			s.at++
		}
	}
	return nil, errJSONSyntax
}

func (s *jsonScanner) escape() error {
	s.at++ // the backslash
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return nil
	case 'u':
		s.at++
		if len(s.data)-s.at < 4 {
			return errJSONSyntax
		}
		if _, ok := hex4(s.data[s.at:]); !ok {
			return errJSONSyntax
		}
		s.at += 4
		return nil
	}
	return errJSONSyntax
}

func (s *jsonScanner) literal(word string) error {
	if len(s.data)-s.at < len(word) || string(s.data[s.at:s.at+len(word)]) != word {
		return errJSONSyntax
	}
	s.at += len(word)
	return nil
}

func (s *jsonScanner) number() error {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return errJSONSyntax
	}
	if s.take('.') && !s.digits() {
		return errJSONSyntax
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return errJSONSyntax
		}
	}
	return nil
}

// digits consumes a run of digits and says whether there was one.
func (s *jsonScanner) digits() bool {
	start := s.at
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > start
}

func (s *jsonScanner) space() {
	for {
		switch s.peek() {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// end says whether nothing but white space is left.
func (s *jsonScanner) end() bool {
	s.space()
	return s.at == len(s.data)
}

// peek is the next byte, 0 at the end (a NUL stands nowhere in JSON outside of an escape).
func (s *jsonScanner) peek() byte {
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

func (s *jsonScanner) take(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}
