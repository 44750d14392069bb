"""Writes an event with psycopg, in the transaction that makes it true."""

import json
import os

import psycopg

payment = {"id": "pay_python", "account": "acc_1", "amount": "12.30"}

with psycopg.connect(os.environ["DATABASE_URL"]) as conn:
    with conn.transaction():  # commits at its end, rolls back on an exception
        conn.execute("INSERT INTO payment (id, amount) VALUES (%(id)s, %(amount)s)", payment)
        row = conn.execute(
            "SELECT outbox.emit(%s, %s, %s, %s, %s)",
            ("payment", payment["id"], "PaymentBooked", json.dumps(payment), json.dumps({"tenant": "acme"})),
        ).fetchone()

print("emitted", row[0])
