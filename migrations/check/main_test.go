package check

import (
	"os"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
)

func TestMain(m *testing.M) { os.Exit(devstacktest.Main(m)) }
