package config

import (
	"net/url"
	"path/filepath"
	"time"
)

// requestMemory is what requests in flight and the buffer of the stream take of the budget, as in internal/relay.
const requestMemory Size = 12 << 20

func (b Batch) check(k *checker) {
	between(k, "batch.max_events", b.MaxEvents, 1, 1_000_000,
		"one event a transaction is slow, more than a million keep a transaction open for too long")
	between(k, "batch.max_bytes", b.MaxBytes, 64<<10, 1<<30,
		"a batch holds at least one event, and one Kafka transaction has to pass within half of kafka.transaction_timeout")
	between(k, "batch.memory", b.Memory, requestMemory, 64<<30, "less cannot hold two batches and the requests in flight")
	if !k.failed("batch.memory") && !k.failed("batch.max_bytes") && b.Memory < 2*b.MaxBytes+requestMemory {
		k.addf("batch.memory", "%v is less than twice batch.max_bytes (%v) and %v for requests in flight; one batch fills while the other commits", b.Memory, b.MaxBytes, requestMemory)
	}
}

func (f Failure) check(k *checker) {
	k.oneOf("failure.on_unpublishable", f.OnUnpublishable, "halt", "park")
	between(k, "failure.max_held", f.MaxHeld, 1, 100_000, "each session reads the held keys when it starts and keeps them in memory")
}

func (s Server) check(k *checker) {
	if s.Listen != "" && !isAddress(s.Listen, 0) {
		k.addf("server.listen", `%q is not an address; write host:port, as in 127.0.0.1:9680, or "" for no server`, s.Listen)
	}
	switch p := s.AdminSocket; {
	case p == "" || p == "none":
	case !filepath.IsAbs(p):
		k.addf("server.admin_socket", `%q is not an absolute path; write one, as in /run/relay/payments.sock, "" for the usual place, or none`, p)
	case len(p) > maxSocketPath:
		k.addf("server.admin_socket", "%q has %d bytes; the system takes at most %d for the path of a socket", p, len(p), maxSocketPath)
	}
	between(k, "server.ready_max_lag", s.ReadyMaxLag, 0, Duration(24*365*time.Hour), "0 means any lag is ready")
}

// maxSocketPath is what the smallest sockaddr_un of the systems we run on holds, in bytes.
const maxSocketPath = 103

func (l Log) check(k *checker) {
	k.oneOf("log.level", l.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", l.Format, "auto", "text", "json")
}

func (t Tracing) check(k *checker) {
	if t.OTLPEndpoint == "" {
		return
	}
	switch u, err := url.Parse(t.OTLPEndpoint); {
	case err != nil || u.User != nil:
		// Not quoted: it may hold a password.
		k.addf("tracing.otlp_endpoint", "is no address, or one with a user; write one without, as in http://127.0.0.1:4318")
	case (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		k.addf("tracing.otlp_endpoint", `%q is not the base address of a collector that takes OTLP over HTTP; write one, as in http://127.0.0.1:4318, or "" for no spans`, t.OTLPEndpoint)
	}
}
