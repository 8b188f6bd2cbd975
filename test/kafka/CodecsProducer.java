import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Kafka's own producer for codecs.test.ts, which knows what is written here. Arguments: brokers, prefix of topics. */
public class CodecsProducer {
  static final int RECORDS = 600;
  static final int BOMB_BYTES = 8 * 1024 * 1024;

  public static void main(String[] args) throws Exception {
    String brokers = args[0];
    String prefix = args[1];
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      try (var producer = producer(brokers, Map.of("compression.type", codec))) {
        for (int i = 0; i < RECORDS; i++) producer.send(record(prefix + "-" + codec, i));
      }
    }
    for (String codec : List.of("gzip", "snappy", "lz4", "zstd")) {
      try (var producer = producer(brokers, Map.of("compression.type", codec))) {
        String topic = prefix + "-bomb-" + codec;
        producer.send(new ProducerRecord<>(topic, 0, null, bytes("before"))).get();
        producer.send(new ProducerRecord<>(topic, 0, null, new byte[BOMB_BYTES])).get();
        producer.send(new ProducerRecord<>(topic, 0, null, bytes("after"))).get();
      }
    }
    transactions(brokers, prefix + "-transactions");
  }

  static KafkaProducer<byte[], byte[]> producer(String brokers, Map<String, Object> more) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", brokers);
    config.put("linger.ms", 20);
    config.put("batch.size", 64 * 1024);
    config.put("max.request.size", 4 * BOMB_BYTES);
    config.put("buffer.memory", 8L * BOMB_BYTES);
    config.putAll(more);
    return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static ProducerRecord<byte[], byte[]> record(String topic, int i) {
    byte[] key = i % 7 == 3 ? null : i % 7 == 5 ? new byte[] {(byte) 0xff, (byte) i} : bytes("key-" + i);
    byte[] value = i % 11 == 4 ? null : i % 11 == 6 ? new byte[0] : bytes(text(i));
    List<Header> headers =
        i % 5 == 0 ? List.of() : List.of(new RecordHeader("trace", bytes("t" + i)), new RecordHeader("none", (byte[]) null));
    return new ProducerRecord<>(topic, 0, 1_700_000_000_000L + i, key, value, headers);
  }

  static String text(int i) {
    String scattered = Long.toString((i * 2654435761L) % 4294967296L, 36);
    return "value " + i + " " + "x".repeat(i % 300) + scattered.repeat(i % 13);
  }

  static void transactions(String brokers, String topic) {
    try (var a = producer(brokers, Map.of("transactional.id", topic + "-a"));
        var b = producer(brokers, Map.of("transactional.id", topic + "-b"));
        var plain = producer(brokers, Map.of("compression.type", "lz4"))) {
      a.initTransactions();
      b.initTransactions();
      a.beginTransaction();
      b.beginTransaction();
      send(a, topic, "a0");
      send(b, topic, "b0 aborted");
      send(plain, topic, "p0");
      send(b, topic, "b1 aborted");
      send(a, topic, "a1");
      a.commitTransaction();
      a.beginTransaction();
      send(a, topic, "a2 aborted");
      b.abortTransaction();
      b.beginTransaction();
      send(b, topic, "b2");
      send(plain, topic, "p1");
      a.abortTransaction();
      a.beginTransaction();
      send(a, topic, "a3");
      b.commitTransaction();
      a.commitTransaction();
      b.beginTransaction();
      send(b, topic, "b3 aborted");
      b.abortTransaction();
    }
  }

  static void send(KafkaProducer<byte[], byte[]> producer, String topic, String value) {
    producer.send(new ProducerRecord<>(topic, 0, null, bytes(value)));
    producer.flush();
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
