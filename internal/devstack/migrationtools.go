package devstack

import "context"

// Goose is github.com/pressly/goose, with its driver for Postgres alone.
func Goose(ctx context.Context) (Program, error) {
	return goProgram(ctx, "github.com/pressly/goose/v3/cmd/goose", "v3.29.0",
		"no_clickhouse", "no_libsql", "no_mssql", "no_mysql", "no_sqlite3", "no_vertica", "no_ydb", "no_turso")
}

// GolangMigrate is github.com/golang-migrate/migrate, with its driver for Postgres alone.
func GolangMigrate(ctx context.Context) (Program, error) {
	return goProgram(ctx, "github.com/golang-migrate/migrate/v4/cmd/migrate", "v4.20.1", "postgres")
}

// Tern is github.com/jackc/tern.
func Tern(ctx context.Context) (Program, error) {
	return goProgram(ctx, "github.com/jackc/tern/v2", "v2.3.4")
}

// Flyway is the command line of Flyway, without its drivers for other databases.
func Flyway(ctx context.Context) (Program, error) {
	return javaProgram(ctx, "flyway", "org.flywaydb.commandline.Main")
}

// Liquibase is the command line of Liquibase.
func Liquibase(ctx context.Context) (Program, error) {
	return javaProgram(ctx, "liquibase", "liquibase.integration.commandline.LiquibaseCommandLine")
}
