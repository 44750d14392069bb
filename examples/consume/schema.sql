-- What the consumer books in, beside the inbox: relay migrate print inbox inbox_progress
CREATE TABLE account (
    id       text PRIMARY KEY,
    balance  numeric NOT NULL DEFAULT 0,
    bookings bigint NOT NULL DEFAULT 0
);
