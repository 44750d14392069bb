package main

// leg is a part of the tour: what is shown, and the commands that show it. {event} and {id} in a command are the place
// and the id of an event that an earlier one has printed.
type leg struct {
	title, text string
	commands    []string
}

// tour is what there is to type beside a relay at work. The directory of relay.yaml is the working directory; $SHOP and $DB
// are the addresses of the database as the shop and as the relay know it.
func tour() []leg {
	return []leg{
		{"At work", `What the daemon logs when it starts, whether it is ready, and one screen about all of it. Everything on that but the first
line is read from Postgres and Kafka, so it is there too when the daemon is not.`, []string{
			`grep -A 5 '"relay started"' relay.log | tail -n 6 | cut -d , -f 3-`,
			`curl -s http://{listen}/readyz`,
			`relay status`,
		}},
		{"For scripts", "Seconds behind, and waiting until the relay has come somewhere.", []string{
			`relay lag`,
			`relay lag --max 30s -o json`,
			`relay wait --for caught-up --timeout 1m`,
		}},
		{"The checkpoint", "How far the relay is. It stands in Kafka, in the transaction of the events that it covers.", []string{
			`relay checkpoint list`,
			`relay checkpoint show`,
			`relay checkpoint history -n 5`,
		}},
		{"Events", "What a read_committed consumer gets, and what has become of one event.", []string{
			`relay events tail -n 5`,
			`relay events show {event}`,
			`relay events find {id}`,
		}},
		{"An event that cannot be published", `The relay shall no longer create topics, and reads that from its configuration while it runs. Then the shop names a topic
that is not there. That event is parked, the next one of its topic and key waits behind it, all others go on. Commands that
publish take the slot for a moment; the daemon waits and goes on.`, []string{
			`sed -i 's/create_topics: all/create_topics: internal/' relay.yaml`,
			`relay reload`,
			`relay wait --for state=streaming`,
			emitLabel("LabelPrinted"),
			emitLabel("LabelPasted"),
			`relay wait --for caught-up`,
			`relay parked list`,
			`relay parked show {parked}`,
			`relay parked retry --all`,
			`relay parked retry --all --set kafka.create_topics=all --apply`,
			`relay parked list`,
			`relay wait --for state=streaming`,
		}},
		{"Pause", "Nothing is published until the relay is resumed. The slot stays its own, and the shop does not notice.", []string{
			`relay pause`,
			`curl -s http://{listen}/readyz`,
			`relay status`,
			`relay resume`,
			`relay wait --for caught-up`,
		}},
		{"A slot that is gone", `Somebody drops the slot while the shop writes. The relay refuses to guess, and says what is at risk. Repair finds the rows
that are not in Kafka and publishes those.`, []string{
			`psql -X -q -A -t "$DB" -c "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots" -c "SELECT pg_drop_replication_slot('relay_shop')"`,
			`relay wait --for state=refused`,
			`curl -s http://{listen}/readyz`,
			`relay status`,
			`relay repair`,
			`relay repair --apply`,
			`relay wait --for state=streaming`,
		}},
		{"Proof", "Each row of the table against each record in Kafka.", []string{
			`relay audit`,
		}},
		{"What a code means", "Every error ends with a code.", []string{
			`relay explain RLY1003`,
		}},
	}
}

// emitLabel writes an event for a topic that nobody has made.
func emitLabel(event string) string {
	return `psql -X -A -t "$SHOP" -c "SELECT outbox.emit('order', 'order-1', '` + event + `', '{}', topic => 'shop.labels')"`
}
