package outbox

// Emitted by the server (pg_logical_emit_message, "Replication Management Functions" of the manual), as part of the
// transaction: a message that is not would be published although that one rolls back.
const (
	emitMessage  = `SELECT pg_logical_emit_message(true, $1::text, $2::bytea)`
	emitMessages = `SELECT pg_logical_emit_message(true, $1::text, message::bytea) FROM unnest($2::text[]) AS m (message)`
)

// checkMessage refuses what a WAL message has no place for.
func (e *Event) checkMessage() *fault {
	switch {
	case e.AggregateVersion != 0:
		return faultf(ReasonBadFrame, "a WAL message cannot carry AggregateVersion")
	case !e.OccurredAt.IsZero():
		return faultf(ReasonBadFrame, "a WAL message cannot carry OccurredAt; its timestamp is the time of the commit")
	}
	return nil
}

// message is the content of a WAL message: the frame of an event (see frame), a newline, the payload.
func (d draft) message() []byte {
	payload := []byte(d.Payload)
	if d.Bytes != nil {
		payload = d.Bytes
	}
	text := make([]byte, 0, 256+len(d.headers)+len(payload))
	text = append(text, `{"v":`+frameVersion...)
	for _, m := range [...]struct {
		key   frameKey
		value string
	}{
		{frameID, d.id}, {frameAggregateType, d.AggregateType}, {frameAggregateID, d.AggregateID}, {frameEventType, d.Type},
	} {
		text = appendMember(text, m.key)
		text = appendQuoted(text, m.value)
	}
	if d.headers != nil {
		text = append(appendMember(text, frameHeaders), d.headers...)
	}
	if d.Topic != "" {
		text = appendQuoted(appendMember(text, frameTopic), d.Topic)
	}
	if d.Tombstone {
		text = append(appendMember(text, frameTombstone), "true"...)
	}
	text = append(text, "}\n"...)
	return append(text, payload...)
}

func appendMember(dst []byte, key frameKey) []byte {
	dst = appendQuoted(append(dst, ','), key.name())
	return append(dst, ':')
}

// messages are the messages of several events, as the text of an array.
func messages(drafts []draft) string {
	var a array
	for _, d := range drafts {
		a.append(d.message())
	}
	return a.String()
}
