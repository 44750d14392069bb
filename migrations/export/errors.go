package export

// UsageError is a request that cannot be met as it was made.
type UsageError struct {
	Problem string
	Hint    string // may be empty
}

func (e *UsageError) Error() string { return e.Problem }

// ConflictError is a directory that holds something that must not be changed.
type ConflictError struct {
	Problem string
	Hint    string
	Files   []string // those in the way, if it is about some
}

func (e *ConflictError) Error() string { return e.Problem }
