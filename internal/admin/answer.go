package admin

import (
	"errors"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

// The documents' version and kind. Within v1 no field is lost.
const (
	apiVersion = "relay/v1"
	kind       = "Admin"
)

// Answer is what a relay says to a request.
type Answer struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Warnings say what of a request takes no effect.
	Warnings []string `json:"warnings,omitempty"`
	// Status is how things stand after it.
	Status status.View `json:"status"`
	// Error is why nothing was done; null: it was.
	Error *refusal `json:"error,omitempty"`
}

// refusal is a fault.Error on its way through the socket.
type refusal struct {
	Code    fault.Code `json:"code"`
	Summary string     `json:"summary"`
	Details []string   `json:"details,omitempty"`
	Hint    string     `json:"hint,omitempty"`
}

func refusalOf(err error) *refusal {
	if err == nil {
		return nil
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return &refusal{Code: fault.Failed, Summary: err.Error()}
	}
	return &refusal{Code: f.Code, Summary: err.Error(), Details: f.Details, Hint: f.Hint}
}

func (r *refusal) fault() error {
	return &fault.Error{Code: r.Code, Summary: r.Summary, Details: r.Details, Hint: r.Hint}
}
