package page

import (
	"crypto/sha256"
	_ "embed" // the style sheet
	"encoding/base64"
	"io"
	"net/http"
	"time"

	"github.com/outbox-relay/relay/internal/status"
)

// refreshEvery is how often a browser asks again: as often as a sample is taken.
const refreshEvery = status.SampleEvery

//go:embed style.css
var styleSheet string

// style is a constant of the program: it stands in the page as it is.
var style = markup(styleSheet)

// Source is where the page's facts come from.
type Source interface {
	View() status.View
	History() []status.Sample
}

// Handler serves the page. The browser is told to load nothing at all and to run nothing.
func Handler(source Source, now func() time.Time) http.Handler {
	sum := sha256.Sum256([]byte(styleSheet))
	policy := "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := document{view: source.View(), history: source.History(), now: now(), refresh: r.URL.Query().Get("refresh") != "off"}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		// A client that went away needs no answer.
		_, _ = io.WriteString(w, d.render())
	})
}
