"""Books payments from Kafka into the accounts of its own database, each once. It may be killed at any moment.

It reads DATABASE_URL, KAFKA (brokers), TOPIC, GROUP, INSTANCE and INBOX (id or seq) from its environment.
"""

import json
import os

import psycopg
from confluent_kafka import Consumer, KafkaException

CONSUMER = "billing"  # the name in the inbox: another one would book everything again

BY_ID = """
    INSERT INTO inbox.event (consumer, event_id) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""

# Needs no row for each event, but the records of a partition must be handled in their order.
BY_SEQ = """
    INSERT INTO inbox.progress AS p (consumer, topic, partition, relay, generation, seq)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (consumer, topic, partition, relay, generation) DO UPDATE SET seq = excluded.seq, handled_at = now()
    WHERE p.seq < excluded.seq
"""

BOOK = """
    INSERT INTO account AS a (id, balance, bookings) VALUES (%(account)s, %(amount)s, 1)
    ON CONFLICT (id) DO UPDATE SET balance = a.balance + excluded.balance, bookings = a.bookings + 1
"""


def is_new(conn, message):
    """Notes that the message is handled, and says whether it was not before."""
    headers = {name: value.decode() for name, value in message.headers() if value is not None}
    if os.environ.get("INBOX") == "seq":
        relay, generation, seq = headers["relay-seq"].split("/")
        place = (CONSUMER, message.topic(), message.partition(), relay, int(generation), int(seq))
        return conn.execute(BY_SEQ, place).rowcount == 1
    return conn.execute(BY_ID, (CONSUMER, headers["id"])).rowcount == 1


def book(conn, message):
    with conn.transaction():  # the note and the booking, both or neither
        if is_new(conn, message):
            conn.execute(BOOK, json.loads(message.value()))


def main():
    kafka = Consumer({
        "bootstrap.servers": os.environ["KAFKA"],
        "group.id": os.environ["GROUP"],
        "group.instance.id": os.environ["INSTANCE"],  # a restarted instance gets its partitions back at once
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",  # librdkafka's default, but not that of every client
        "enable.auto.commit": False,
    })
    kafka.subscribe([os.environ["TOPIC"]])
    # autocommit: transactions are those that book() opens, and none is left open in between.
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as conn:
        while True:
            messages = kafka.consume(100, timeout=0.1)
            for message in messages:
                if message.error():
                    raise KafkaException(message.error())
                book(conn, message)
            if messages:
                # After the bookings. Whoever is killed before it reads these records again, and the inbox knows them.
                kafka.commit(asynchronous=False)


main()
