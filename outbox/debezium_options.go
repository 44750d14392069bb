package outbox

import (
	"fmt"
	"strings"
)

// placement puts a column into a header, the envelope or the partition.
type placement struct {
	column, alias string
	where         place
}

type place int

const (
	inHeader place = iota
	inEnvelope
	inPartition
)

const debeziumPath = "outbox.debezium."

// compile checks the options and prepares what they say.
func (d *debeziumMapper) compile(topics *topicRules) (errs []error) {
	o := d.options
	wrong := func(option, value, why string) {
		errs = append(errs, &ConfigError{Field: debeziumPath + option, Value: value, Why: why})
	}
	for _, f := range []struct{ option, value string }{
		{"table_field_event_id", o.TableFieldEventID},
		{"table_field_event_payload", o.TableFieldEventPayload},
		{"route_by_field", o.RouteByField},
	} {
		if f.value == "" {
			wrong(f.option, "", "want the name of a column")
		}
	}
	if m := o.TableFieldAdditionalMissing; m != "error" && m != "ignore" {
		wrong("table_field_additional_missing", m, "want error or ignore")
	}
	if o.Keys != ConvertString && o.Keys != ConvertJSON {
		wrong("keys", string(o.Keys), "want string or json; a key of another form would go to another partition")
	}
	if o.Values != ConvertString && o.Values != ConvertJSON && o.Values != ConvertBytes {
		wrong("values", string(o.Values), "want string, json or bytes")
	}
	placements, why := parsePlacements(o.TableFieldsAdditionalPlacement)
	if why != "" {
		wrong("table_fields_additional_placement", o.TableFieldsAdditionalPlacement, why)
	}
	d.placements = placements
	if d.enveloped() && o.Values == ConvertString {
		wrong("values", string(o.Values), "an envelope is a JSON object: want json or bytes, since string would publish what Java prints for an object")
	}
	var err error
	if d.route, err = newRegexRoute(o.RouteTopicRegex, o.RouteTopicReplacement, topics); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// parsePlacements reads the list of placements and says what is wrong with it.
func parsePlacements(list string) (placements []placement, why string) {
	seen := map[placement]bool{{alias: "payload", where: inEnvelope}: true}
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue // a comma at the end is accepted
		}
		p, why := parsePlacement(item)
		if why != "" {
			return nil, why
		}
		key := placement{alias: p.alias, where: p.where}
		if p.where == inPartition {
			key.alias = ""
		}
		if p.where != inHeader && seen[key] {
			return nil, fmt.Sprintf("%q: there is one of that name or kind already", item)
		}
		seen[key] = true
		placements = append(placements, p)
	}
	return placements, ""
}

func parsePlacement(item string) (p placement, why string) {
	parts := strings.Split(item, ":")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[len(parts)-1] == "" {
		return p, fmt.Sprintf("%q: want column:header, column:envelope or column:partition, and a name behind another colon if it shall have one of its own", item)
	}
	p = placement{column: parts[0], alias: parts[len(parts)-1]}
	if len(parts) == 2 {
		p.alias = p.column
	}
	switch strings.ToLower(parts[1]) {
	case "header":
		p.where = inHeader
	case "envelope":
		p.where = inEnvelope
	case "partition":
		p.where = inPartition
	default:
		return p, fmt.Sprintf("%q: %q is neither header, envelope nor partition", item, parts[1])
	}
	if p.where == inHeader && strings.HasPrefix(p.alias, reservedHeaderPrefix) {
		return p, fmt.Sprintf("%q: headers that begin with %s are Relay's own", item, reservedHeaderPrefix)
	}
	return p, ""
}
