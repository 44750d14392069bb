// Writes an event with node-postgres, in the transaction that makes it true.
const { Client } = require("pg");

async function book(client, payment) {
  await client.query("BEGIN");
  try {
    await client.query("INSERT INTO payment (id, amount) VALUES ($1, $2)", [payment.id, payment.amount]);
    const { rows } = await client.query("SELECT outbox.emit($1, $2, $3, $4, $5) AS id", [
      "payment",
      payment.id,
      "PaymentBooked",
      JSON.stringify(payment),
      JSON.stringify({ tenant: "acme" }),
    ]);
    await client.query("COMMIT");
    return rows[0].id;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

async function main() {
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  try {
    console.log("emitted", await book(client, { id: "pay_node", account: "acc_1", amount: "12.30" }));
  } finally {
    await client.end();
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
