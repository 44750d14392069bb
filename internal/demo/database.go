package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/migrations"
)

// The shop's database and who does what in it. None of the roles is a superuser.
const (
	database  = "shop"
	ownerRole = "shop_owner" // owns the tables: the shop's and the outbox
	appRole   = "shop_app"   // places orders
	relayRole = "relay"      // publishes
)

// shopTables are the shop's own. A product counts its changes: that number is the version of its events, so they have an
// order that can be checked.
const shopTables = `
CREATE TABLE product (sku text PRIMARY KEY, stock bigint NOT NULL, version bigint NOT NULL DEFAULT 0);
CREATE TABLE orders (
	id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	sku       text NOT NULL REFERENCES product,
	quantity  int NOT NULL,
	placed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO product (sku, stock) SELECT 'sku-' || n, 1000000 FROM generate_series(1, 24) n;
GRANT SELECT, UPDATE ON product TO shop_app;
GRANT SELECT, INSERT ON orders TO shop_app;
`

// migrate makes roles, database, outbox and the shop's tables.
func migrate(ctx context.Context, pg *devstack.Postgres) error {
	create := func(role, attributes string) string {
		return fmt.Sprintf("CREATE ROLE %s %s PASSWORD '%s'", role, attributes, devstack.Password)
	}
	err := execute(ctx, pg.URL(devstack.Superuser, "postgres"),
		create(ownerRole, "LOGIN"), create(appRole, "LOGIN"), create(relayRole, "LOGIN REPLICATION"),
		"CREATE DATABASE "+database+" OWNER "+ownerRole)
	if err != nil {
		return fmt.Errorf("create roles and database: %w", err)
	}
	outbox, err := migrations.Print(migrations.Options{AppRole: appRole, RelayRole: relayRole})
	if err != nil {
		return err
	}
	if err := execute(ctx, pg.URL(ownerRole, database), outbox, shopTables); err != nil {
		return fmt.Errorf("apply migrations: %w", err)
	}
	return nil
}

// execute runs scripts, each in a transaction of its own.
func execute(ctx context.Context, url string, scripts ...string) (err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	for _, sql := range scripts {
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

// writtenEvents reads what was written: the rows of the outbox that committed.
func writtenEvents(ctx context.Context, pg *devstack.Postgres) (_ []event, err error) {
	conn, err := pgx.Connect(ctx, pg.URL(ownerRole, database))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	rows, err := conn.Query(ctx, "SELECT id::text, aggregate_id, aggregate_version, payload::text FROM outbox.event")
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	events, err := pgx.CollectRows(rows, pgx.RowToStructByPos[event])
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return events, nil
}
