package outbox

import (
	"maps"
	"slices"
	"unicode/utf8"
)

// headersJSON gives the headers of an event, with those of its trace beneath, as a JSON object in the form in which
// Postgres prints a jsonb, so that its size is what the table measures; nil: there are none.
func (e *Event) headersJSON(trace map[string]string) ([]byte, *fault) {
	headers := e.Headers
	if len(trace) > 0 {
		headers = maps.Clone(trace)
		maps.Copy(headers, e.Headers)
	}
	if len(headers) == 0 {
		return nil, nil
	}
	text := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(headers)) {
		if bad := checkHeader(name, headers[name]); bad != nil {
			return nil, bad
		}
		if i > 0 {
			text = append(text, ", "...)
		}
		text = appendQuoted(text, name)
		text = append(text, ": "...)
		text = appendQuoted(text, headers[name])
	}
	text = append(text, '}')
	if len(text) > MaxHeadersBytes {
		return nil, faultf(ReasonBadHeaders, "headers have %d bytes, at most %d are allowed", len(text), MaxHeadersBytes)
	}
	return text, nil
}

func checkHeader(name, value string) *fault {
	for _, s := range [...]string{name, value} {
		if !utf8.ValidString(s) || slices.Contains([]byte(s), 0) {
			return faultf(ReasonBadHeaders, "header %q is not UTF-8 or has a NUL character", printable([]byte(name)))
		}
	}
	if reserved([]byte(name)) || name == "id" || name == "type" {
		return faultf(ReasonForgedHeader, "header %q: the names that Relay writes are id, type and all that begin with relay-",
			printable([]byte(name)))
	}
	return nil
}
