package chaos

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
)

var (
	killsFlag  = flag.Int("kills", 0, "kill -9 on each Postgres version; 0: a few")
	pgFlag     = flag.String("pg", "", "Postgres versions of the kill campaigns, with commas between; empty: 13,15,17,18")
	seedFlag   = flag.Uint64("seed", 0, "seed of campaigns; 0: a random one, which is printed")
	rowsFlag   = flag.Int("rows", 120_000, "rows of the transaction that is too large for one Kafka transaction")
	outageFlag = flag.Duration("outage", 0, "how long servers stay away; 0: until the relay has failed a few times")
	binaryFlag = flag.String("relay", "", "relay command to test; empty: built from this source")
	keepFlag   = flag.Bool("keep", false, "keep all logs and reports, not only those of a test that failed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(devstacktest.Main(m, removeBinary, func() error { return goleak.Find() }))
}

// limit bounds what hangs; nothing is measured by it.
const limit = 2 * time.Minute

// built compiles the relay once, at first use, into buildDir.
var (
	buildDir string
	built    = sync.OnceValues(func() (binary string, err error) {
		if buildDir, err = os.MkdirTemp("", "relay-chaos-bin-"); err != nil {
			return "", err
		}
		return Build(context.Background(), buildDir)
	})
)

func removeBinary() error { return os.RemoveAll(buildDir) }

func relayBinary(t testing.TB) string {
	t.Helper()
	if *binaryFlag != "" {
		return *binaryFlag
	}
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// logDir is where a test keeps its logs: it stays when the test fails.
func logDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "relay-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() || *keepFlag {
			t.Logf("logs, protocol logs and report are kept in %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// newSeed is that of the flag, or random. It is printed either way.
func newSeed(t testing.TB) uint64 {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(rand.Uint32())
	}
	t.Logf("-seed %d", seed)
	return seed
}

// newPlace makes a database on a server of its own and names on the shared cluster.
func newPlace(t testing.TB, major int, settings map[string]string) *Place {
	t.Helper()
	return placeOn(t, devstacktest.OwnPostgres(t, devstack.PostgresOptions{Major: major, Settings: settings}), devstacktest.Kafka(t))
}

func placeOn(t testing.TB, server *devstack.Postgres, kafka *devstacktest.KafkaCluster) *Place {
	t.Helper()
	p, err := MakePlace(t.Context(), server, kafka.Brokers, kafka.Prefix)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newFleet initialises a relay. What still runs at the end of the test is killed; when the test has failed, the end of
// the last log is shown.
func newFleet(t testing.TB, place *Place, s Settings) *Fleet {
	t.Helper()
	f, err := NewFleet(t.Context(), place, relayBinary(t), logDir(t), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() && len(f.Processes) > 0 {
			last := f.Processes[len(f.Processes)-1]
			lines := last.log.all()
			for _, l := range lines[max(0, len(lines)-15):] {
				t.Logf("%s: %s", last.Name, strings.TrimSpace(l.text))
			}
		}
	})
	return f
}

func versions(t testing.TB, byDefault ...int) []int {
	t.Helper()
	if *pgFlag == "" {
		return byDefault
	}
	var majors []int
	for text := range strings.SplitSeq(*pgFlag, ",") {
		major, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("-pg %s: %v", *pgFlag, err)
		}
		majors = append(majors, major)
	}
	return majors
}

// bounded is a context that ends with the limit.
func bounded(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
