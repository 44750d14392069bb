-- psql -X -v ON_ERROR_STOP=1 -f emit.sql "$DATABASE_URL"
\set ON_ERROR_STOP on

BEGIN;
INSERT INTO payment (id, amount) VALUES ('pay_psql', 12.30);
SELECT outbox.emit('payment', 'pay_psql', 'PaymentBooked', '{"amount": 12.30}');
COMMIT;

-- With headers, and the trace that the transaction belongs to.
BEGIN;
SET LOCAL outbox.traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
SELECT outbox.emit('payment', 'pay_psql', 'PaymentSettled', '{"fee": 0.10}', headers => '{"tenant": "acme"}');
COMMIT;

-- Many at once, of what a query finds.
BEGIN;
UPDATE payment SET settled = true WHERE NOT settled;
SELECT outbox.emit('payment', id, 'PaymentArchived', json_build_object('amount', amount)) FROM payment WHERE settled;
COMMIT;
