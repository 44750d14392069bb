package connector

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/outbox"
)

// Wanted are values for what a connector's file does not say, or says in a way that Relay has no equal for.
type Wanted struct {
	Name    string   // of the relay; empty: made of the connector's
	Brokers []string // empty: those of the file
	Table   string   // as outbox.table; empty: that of table.include.list
}

// Import is what became of a connector's configuration.
type Import struct {
	Connector string // its name, for people
	Config    config.Config
	Notes     []Note // by kind, the weightiest first
}

// Unsupported are the notes of that kind.
func (i *Import) Unsupported() []Note {
	return slices.DeleteFunc(slices.Clone(i.Notes), func(n Note) bool { return n.Kind != Unsupported })
}

// Translate makes Relay's configuration of a connector's. It is complete: what the file does not say is assumed, and
// noted. Whether it is valid is for its Validate to say: the file may hold wrong values.
func Translate(options Options, w Wanted) *Import {
	t := &translation{options: options, left: map[string]bool{}, c: config.Default()}
	for option := range options {
		t.left[option] = true
	}
	t.c.Outbox.Format = string(outbox.FormatDebezium)
	t.findRouter()
	t.identity(w)
	t.source()
	t.table(w)
	t.columns()
	t.routes()
	t.converters()
	t.kafka(w)
	t.rest()
	slices.SortStableFunc(t.notes, func(a, b Note) int {
		return cmp.Or(-cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Option, b.Option))
	})
	return &Import{Connector: options[nameOption], Config: t.c, Notes: t.notes}
}

// translation is an import under way.
type translation struct {
	options Options
	left    map[string]bool // options that nothing was made of yet
	router  string          // prefix of the outbox event router's options
	c       config.Config
	notes   []Note
}

const (
	connectorClass = "connector.class"
	postgresClass  = "io.debezium.connector.postgresql.PostgresConnector"
	routerClass    = "io.debezium.transforms.outbox.EventRouter"
	transforms     = "transforms"
)

// findRouter looks for the transform that is the outbox event router, under whatever name.
func (t *translation) findRouter() {
	if class, ok := t.take(connectorClass); !ok || class != postgresClass {
		t.note(Unsupported, connectorClass, "is not %s", postgresClass)
	}
	list, _ := t.take(transforms)
	for name := range strings.SplitSeq(list, ",") {
		prefix := transforms + "." + strings.TrimSpace(name) + "."
		if strings.TrimSpace(t.options[prefix+"type"]) == routerClass {
			t.router = prefix
			t.ignore(prefix + "type")
			return
		}
	}
	t.note(Unsupported, transforms, "has no %s: without it the connector publishes change events, which Relay does not", routerClass)
}

// identity makes the relay's name of the connector's.
func (t *translation) identity(w Wanted) {
	name, _ := t.take(nameOption)
	name = cmp.Or(name, t.options["topic.prefix"], t.options["database.server.name"], t.options["database.dbname"], "outbox")
	t.c.Name = cmp.Or(w.Name, relayName(name))
	if w.Name == "" {
		t.note(Look, "name", "%s is the relay's identity for good; --name gives it another one", t.c.Name)
	}
}

// relayName makes a valid name of any.
func relayName(name string) string {
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	name = strings.TrimLeft(name, "-0123456789")
	return cmp.Or(strings.Trim(name[:min(len(name), 40)], "-"), "outbox")
}

// columns carries the router's options about the table over.
func (t *translation) columns() {
	d := &t.c.Outbox.Debezium
	t.text("table.field.event.id", &d.TableFieldEventID)
	t.text("table.field.event.key", &d.TableFieldEventKey)
	t.text("table.field.event.payload", &d.TableFieldEventPayload)
	t.text("table.field.event.timestamp", &d.TableFieldEventTimestamp)
	t.text("table.fields.additional.placement", &d.TableFieldsAdditionalPlacement)
	t.text("table.field.additional.missing", &d.TableFieldAdditionalMissing)
	t.flag("table.expand.json.payload", &d.TableExpandJSONPayload)
	if fails, ok := t.takeBool(t.router + "table.fields.additional.error.on.missing"); ok && !fails { // before 3.3
		d.TableFieldAdditionalMissing = "ignore"
	}
	d.TableFieldAdditionalMissing = strings.ToLower(d.TableFieldAdditionalMissing)
	t.onUpdate("table.op.invalid.behavior")
	t.text("tracing.span.context.field", &d.TracingSpanContextField)
}

// onUpdate carries over what an updated row means. The two words that only differ in how loud they are mean ignore.
func (t *translation) onUpdate(option string) {
	switch behaviour, ok := t.take(t.router + option); {
	case !ok || strings.EqualFold(behaviour, "warn") || strings.EqualFold(behaviour, "error"):
	case strings.EqualFold(behaviour, "fatal"):
		t.c.Outbox.OnUpdate = "halt"
	default:
		t.note(Unsupported, t.router+option, "is none of warn, error and fatal")
	}
}

// routes carries the router's options about the topic over.
func (t *translation) routes() {
	d := &t.c.Outbox.Debezium
	t.text("route.by.field", &d.RouteByField)
	t.text("route.topic.regex", &d.RouteTopicRegex)
	t.text("route.topic.replacement", &d.RouteTopicReplacement)
	t.flag("route.tombstone.on.empty.payload", &d.RouteTombstoneOnEmptyPayload)
}

// text carries an option of the router over.
func (t *translation) text(option string, to *string) {
	if value, ok := t.take(t.router + option); ok {
		*to = value
	}
}

func (t *translation) flag(option string, to *bool) {
	if value, ok := t.takeBool(t.router + option); ok {
		*to = value
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
