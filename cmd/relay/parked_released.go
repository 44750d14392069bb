package main

// releaseDocument is the document of parked retry and skip: of the plan, or of what was done.
type releaseDocument struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Applied    bool            `json:"applied"`
	ToTopic    string          `json:"to_topic,omitempty"` // where the selected ones go instead of their own topic
	Items      []releasedEvent `json:"items"`
}

// releasedEvent is what becomes, or became, of one event.
type releasedEvent struct {
	Position string `json:"position"`
	ID       string `json:"id,omitempty"`
	Topic    string `json:"topic"`   // its own; empty: none could be found
	Outcome  string `json:"outcome"` // would_publish, would_skip; published, skipped, parked
	Reason   string `json:"reason"`  // why it is parked, or was
	Detail   string `json:"detail,omitempty"`
}

func describeRelease(e parkedEvent, outcome string) releasedEvent {
	return releasedEvent{Position: e.Position, ID: e.ID, Topic: e.Topic, Outcome: outcome, Reason: e.Reason, Detail: e.Detail}
}

// items are the events of a plan.
func (p *releasePlan) items() []releasedEvent {
	var items []releasedEvent
	for _, e := range p.Skip {
		items = append(items, describeRelease(e, "would_skip"))
	}
	for _, e := range p.Publish {
		items = append(items, describeRelease(e, "would_publish"))
	}
	return items
}

// forPrograms tells that stdout has the document only.
func (o *releaseOptions) forPrograms() bool { return o.format == "json" || o.format == "yaml" }

// writeRelease prints the document, when one was asked for.
func (a *app) writeRelease(o releaseOptions, applied bool, items []releasedEvent) error {
	if !o.forPrograms() {
		return nil
	}
	kind := "ParkedRetry"
	if o.skip {
		kind = "ParkedSkip"
	}
	return writeDocument(a.out, o.format, releaseDocument{
		APIVersion: apiVersion, Kind: kind, Applied: applied, ToTopic: o.toTopic, Items: append([]releasedEvent{}, items...),
	})
}
