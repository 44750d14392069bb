// Writes murmur2.tsv with the partition that the Java client gives to each of a set of keys:
//   java -cp 'lib/*' Murmur2.java > murmur2.tsv        (lib: kafka-clients and its dependencies)
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Random;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

class Murmur2 {
    public static void main(String[] args) {
        print(new byte[0]);
        for (String s : new String[] {"a", "21", "abc", "foobar", "pay_8812", "Ünïcödé", "日本語", "😀", "a-little-bit-long-string"})
            print(s.getBytes(StandardCharsets.UTF_8));
        for (int i = 0; i < 100; i++) print(Integer.toString(i * 7919).getBytes(StandardCharsets.UTF_8));
        Random random = new Random(42);
        for (int i = 0; i < 150; i++) {
            byte[] key = new byte[i % 50];
            random.nextBytes(key);
            print(key);
        }
    }

    static void print(byte[] key) {
        StringBuilder line = new StringBuilder(Base64.getEncoder().encodeToString(key));
        for (int n : new int[] {1, 6, 7, 50, 1000}) line.append('\t').append(BuiltInPartitioner.partitionForKey(key, n));
        System.out.println(line);
    }
}
