import java.sql.DriverManager;
import java.sql.SQLException;

/** Writes an event with JDBC, in the transaction that makes it true. */
public class Emit {
    public static void main(String[] args) throws SQLException {
        try (var conn = DriverManager.getConnection(System.getenv("JDBC_URL"))) {
            conn.setAutoCommit(false); // closing the connection without commit rolls back
            try (var insert = conn.prepareStatement("INSERT INTO payment (id, amount) VALUES (?, ?::numeric)")) {
                insert.setString(1, "pay_java");
                insert.setString(2, "12.30");
                insert.executeUpdate();
            }
            try (var emit = conn.prepareStatement("SELECT outbox.emit(?, ?, ?, ?::json, ?::jsonb)")) {
                emit.setString(1, "payment");
                emit.setString(2, "pay_java");
                emit.setString(3, "PaymentBooked");
                emit.setString(4, "{\"id\": \"pay_java\", \"account\": \"acc_1\", \"amount\": \"12.30\"}");
                emit.setString(5, "{\"tenant\": \"acme\"}");
                try (var result = emit.executeQuery()) {
                    result.next();
                    System.out.println("emitted " + result.getString(1));
                }
            }
            conn.commit();
        }
    }
}
