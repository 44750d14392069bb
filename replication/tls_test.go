package replication_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/replication"
)

func TestTLS(t *testing.T) {
	server, f := own(t, devstack.PostgresOptions{})
	certificate, key := selfSigned(t, net.IPv4(127, 0, 0, 1))
	// The server writes its own files: the key must belong to it, and to nobody else.
	f.exec(t,
		fmt.Sprintf("COPY (SELECT '%s') TO PROGRAM 'umask 077; sed s/@/\\\\n/g >%s/server.crt' ", oneLine(certificate), server.DataDir),
		fmt.Sprintf("COPY (SELECT '%s') TO PROGRAM 'umask 077; sed s/@/\\\\n/g >%s/server.key' ", oneLine(key), server.DataDir),
		"ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()")
	eventually(t, "the server offers TLS", func() bool {
		var on string
		err := f.pg.Connect(t).QueryRow(t.Context(), "SELECT current_setting('ssl')").Scan(&on)
		return err == nil && on == "on"
	})
	trusted := filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(trusted, []byte(certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := f.config.ConnString
	f.config.ConnString = strings.Replace(plain, "sslmode=disable", "sslmode=verify-full&sslrootcert="+trusted, 1)
	r := f.start(t)
	f.exec(t, "INSERT INTO outbox.event SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i")
	if _, rows := r.withRows(t); len(rows) != 20000 {
		t.Errorf("%d rows", len(rows))
	}
	sibling, err := f.connect(t).Sibling(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer sibling.Conn.Close(context.WithoutCancel(t.Context()))
	var encrypted bool
	if err := sibling.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted); err != nil || !encrypted {
		t.Errorf("the sibling is not encrypted: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}

	other, _ := selfSigned(t, net.IPv4(127, 0, 0, 1))
	untrusted := filepath.Join(t.TempDir(), "other.crt")
	if err := os.WriteFile(untrusted, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	f.config.ConnString = strings.Replace(plain, "sslmode=disable", "sslmode=verify-full&sslrootcert="+untrusted, 1)
	if _, err := replication.Connect(t.Context(), f.config); replication.Classify(err) != replication.Untrusted {
		t.Errorf("class %v: %v", replication.Classify(err), err)
	}
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "@") }

func selfSigned(t *testing.T, ip net.IP) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "postgres"}, IPAddresses: []net.IP{ip},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
}
