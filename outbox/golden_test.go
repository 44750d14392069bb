package outbox_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/outbox"
)

// goldenCase is a capture of what Debezium really wrote; testdata/golden/INDEX.md says how it was made.
type goldenCase struct {
	Case        string          `json:"case"`
	DDL         string          `json:"ddl"`
	SQL         json.RawMessage `json:"sql"`
	Publication string          `json:"publication"`
	Topics      map[string]int  `json:"topics_made_before"`
	Captures    []goldenCapture `json:"captures"`
}

type goldenCapture struct {
	Converters string            `json:"converters"`
	Config     map[string]string `json:"config"`
	Outcome    string            `json:"outcome"`
	Records    []goldenRecord    `json:"records"`
}

type goldenRecord struct {
	Topic     string         `json:"topic"`
	Partition int            `json:"partition"`
	Timestamp int64          `json:"timestamp"`
	Key       *string        `json:"key_base64"`
	Value     *string        `json:"value_base64"`
	Headers   []goldenHeader `json:"headers"`
}

type goldenHeader struct {
	Name  string  `json:"name"`
	Value *string `json:"value_base64"`
}

// differences are the captures that Relay does not repeat, and what the migration page says of each. Each is checked to
// differ, so the page stays true.
func differences(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../docs/moving-from-debezium.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "\n| what | why | captures |\n")
	if !found {
		t.Fatal("the page has no list of differences")
	}
	list := map[string]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			break
		}
		for _, quoted := range regexp.MustCompile("`[^`]+`").FindAllString(cells[2], -1) {
			name := strings.Trim(quoted, "`")
			if _, twice := list[name]; twice {
				t.Errorf("the page lists %q twice", name)
			}
			list[name] = strings.TrimSpace(cells[0])
		}
	}
	return list
}

// TestDebeziumGolden runs the DDL and SQL of each capture on a real server, takes the rows as pgoutput sends them, and
// compares records byte for byte: topic, partition, key, value and headers.
func TestDebeziumGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/golden/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	pg := devstacktest.Postgres(t, 15)
	conn := pg.Connect(t)
	left := differences(t)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var c goldenCase
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(path, err)
		}
		stream := runGolden(t, conn, pg.Database, c)
		for _, capture := range c.Captures {
			if capture.Converters == "json-schemas" {
				continue // Relay writes no schemas
			}
			name := c.Case + " " + capture.Converters
			why, differs := left[name]
			delete(left, name)
			t.Run(name, func(t *testing.T) {
				diff := compareGolden(t, c, capture, stream)
				switch {
				case differs && diff == "":
					t.Errorf("the migration page lists it as different (%s), but it is not", why)
				case !differs && diff != "":
					t.Error(diff)
				}
			})
		}
	}
	for name := range left {
		t.Errorf("the migration page lists %q, which is no capture", name)
	}
}

// runGolden makes the table and the rows, and returns what was decoded.
func runGolden(t *testing.T, conn *pgx.Conn, slot string, c goldenCase) []decoded {
	t.Helper()
	run := func(sql string) {
		t.Helper()
		if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatalf("case %s: %s: %v", c.Case, sql, err)
		}
	}
	run(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP PUBLICATION IF EXISTS golden;
		SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex'`)
	run(c.DDL)
	run("CREATE PUBLICATION golden " + c.Publication)
	run("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')")
	defer run("SELECT pg_drop_replication_slot('" + slot + "')")
	for _, sql := range goldenStatements(t, c.SQL) {
		if !strings.HasPrefix(sql, "sleep ") {
			run(sql)
		}
	}
	rows, err := conn.Query(context.WithoutCancel(t.Context()),
		"SELECT data FROM pg_logical_slot_get_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', 'golden')", slot)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		t.Fatal(err)
	}
	stream := decodeInserts(messages)
	resolveDomains(t, conn, stream)
	return stream
}

// resolveDomains puts what domains are made of in their place, as the stream of package replication does.
func resolveDomains(t *testing.T, conn *pgx.Conn, stream []decoded) {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd' AND typnamespace = 'public'::regnamespace")
	if err != nil {
		t.Fatal(err)
	}
	bases := map[uint32]outbox.Column{}
	var domain uint32
	var base outbox.Column
	if _, err := pgx.ForEachRow(rows, []any{&domain, &base.TypeOID, &base.TypeMod}, func() error { bases[domain] = base; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, d := range stream {
		for i, c := range d.table.Columns {
			if base, ok := bases[c.TypeOID]; ok {
				d.table.Columns[i].TypeOID, d.table.Columns[i].TypeMod = base.TypeOID, base.TypeMod
			}
		}
	}
}

// goldenStatements are a list or a single text.
func goldenStatements(t *testing.T, raw json.RawMessage) []string {
	t.Helper()
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var one string
	if err := json.Unmarshal(raw, &one); err != nil {
		t.Fatal(err)
	}
	return []string{one}
}

// compareGolden maps the rows as the capture's connector was configured and says what differs.
func compareGolden(t *testing.T, c goldenCase, capture goldenCapture, stream []decoded) string {
	t.Helper()
	var b outbox.Batch
	refusal := mapGolden(goldenConfig(t, capture), stream, &b)
	switch failed := capture.Outcome != "delivered"; {
	case failed && refusal == nil:
		return "Debezium's outcome is: " + capture.Outcome + "; Relay delivers"
	case !failed && refusal != nil:
		return refusal.Error()
	}
	got := []goldenRecord{}
	for i := range b.Len() {
		got = append(got, goldenOf(c, b.At(i)))
	}
	want := slices.Clone(capture.Records)
	if capture.Config["transforms.outbox.table.field.event.timestamp"] == "" || c.Case == "06d" {
		for i := range want {
			want[i].Timestamp = 0 // Debezium's clock against the commit's
		}
		for i := range got {
			got[i].Timestamp = 0
		}
	}
	// The captures are in the order of topics and partitions; within one the order is that of the events.
	slices.SortStableFunc(got, func(a, b goldenRecord) int {
		return strings.Compare(fmt.Sprintf("%s %05d", a.Topic, a.Partition), fmt.Sprintf("%s %05d", b.Topic, b.Partition))
	})
	return cmp.Diff(want, got)
}

// mapGolden maps all rows; the error is the first refusal, rows behind it are mapped as well.
func mapGolden(cfg outbox.Config, stream []decoded, b *outbox.Batch) (refusal error) {
	mapper, err := outbox.NewMapper(cfg)
	if err != nil {
		return err
	}
	for _, d := range stream {
		plan, err := mapper.Plan(d.table)
		if err == nil {
			err = plan.Map(outbox.Row{Values: d.values}, d.tx, d.index, b)
		}
		refusal = errors.Join(refusal, err)
	}
	return refusal
}

// goldenConfig translates a connector's configuration.
func goldenConfig(t *testing.T, capture goldenCapture) outbox.Config {
	t.Helper()
	cfg := outbox.Defaults()
	cfg.Format = outbox.FormatDebezium
	d := &cfg.Debezium
	switch capture.Converters {
	case "json":
		d.Keys, d.Values = outbox.ConvertJSON, outbox.ConvertJSON
	case "string+json":
		d.Values = outbox.ConvertJSON
	case "bytearray", "binarydata":
		d.Values = outbox.ConvertBytes
	case "string":
	default:
		t.Fatalf("unknown converters %s", capture.Converters)
	}
	for option, value := range capture.Config {
		switch strings.TrimPrefix(option, "transforms.outbox.") {
		case "table.field.event.id":
			d.TableFieldEventID = value
		case "table.field.event.key":
			d.TableFieldEventKey = value
		case "table.field.event.payload":
			d.TableFieldEventPayload = value
		case "table.field.event.timestamp":
			d.TableFieldEventTimestamp = value
		case "table.fields.additional.placement":
			d.TableFieldsAdditionalPlacement = value
		case "table.field.additional.missing":
			d.TableFieldAdditionalMissing = value
		case "table.expand.json.payload":
			d.TableExpandJSONPayload = value == "true"
		case "route.by.field":
			d.RouteByField = value
		case "route.topic.regex":
			d.RouteTopicRegex = value
		case "route.topic.replacement":
			d.RouteTopicReplacement = value
		case "route.tombstone.on.empty.payload":
			d.RouteTombstoneOnEmptyPayload = value == "true"
		case "table.op.invalid.behavior":
			if value != "warn" && value != "error" && value != "fatal" {
				cfg.Format = "refused by the importer"
			}
		}
	}
	return cfg
}

func goldenOf(c goldenCase, r outbox.Record) goldenRecord {
	encode := func(p []byte) *string {
		if p == nil {
			return nil
		}
		s := base64.StdEncoding.EncodeToString(p)
		return &s
	}
	g := goldenRecord{Topic: r.Topic, Timestamp: r.Timestamp, Key: encode(r.Key), Value: encode(r.Value), Headers: []goldenHeader{}}
	for _, h := range r.Headers {
		g.Headers = append(g.Headers, goldenHeader{Name: string(h.Key), Value: encode(h.Value)})
	}
	partitions := 3
	if n := c.Topics[r.Topic]; n > 0 {
		partitions = n
	}
	switch {
	case r.Partition != outbox.PartitionByKey:
		g.Partition = int(r.Partition)
	case r.Key == nil:
		g.Partition = 2 // any would do; all captures of null keys have this one
	default:
		g.Partition = int(murmur2(r.Key)&0x7FFFFFFF) % partitions
	}
	return g
}

// murmur2 is org.apache.kafka.common.utils.Utils.murmur2.
func murmur2(key []byte) uint32 {
	const m = 0x5bd1e995
	h := uint32(0x9747b28c) ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := uint32(key[0]) | uint32(key[1])<<8 | uint32(key[2])<<16 | uint32(key[3])<<24
		k *= m
		k ^= k >> 24
		h = h*m ^ k*m
	}
	for i := len(key) - 1; i >= 0; i-- {
		h ^= uint32(key[i]) << (8 * i)
		if i == 0 {
			h *= m
		}
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
