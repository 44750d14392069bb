package replication_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
)

func TestMain(m *testing.M) {
	os.Exit(devstacktest.Main(m, func() error { return goleak.Find() }))
}
