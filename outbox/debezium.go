package outbox

// Debezium are the options of Debezium's outbox event router, in Relay's spelling.
type Debezium struct{}
