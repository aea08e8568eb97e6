using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording.Export;

/// <summary>
/// TensorBoard's event file: TFRecord frames (length, its masked CRC-32C, bytes, their masked CRC-32C) of <c>tensorflow.Event</c>
/// messages, whose few fields used here are encoded by hand (event.proto, summary.proto in tensorflow/core).
/// </summary>
internal sealed class EventWriter
{
    /// <summary>Field numbers and wire types (field &lt;&lt; 3 | type) of Event, Summary and Summary.Value.</summary>
    private const byte WallTime = 1 << 3 | Fixed64,
        Step = 2 << 3 | Varint,
        FileVersion = 3 << 3 | Bytes,
        Summary = 5 << 3 | Bytes,
        Value = 1 << 3 | Bytes,
        Tag = 1 << 3 | Bytes,
        SimpleValue = 2 << 3 | Fixed32;

    private const byte Varint = 0,
        Fixed64 = 1,
        Bytes = 2,
        Fixed32 = 5;

    private readonly Stream stream;
    private readonly Message message = new(),
        summary = new();
    private double wallTime;

    public EventWriter(Stream stream)
    {
        this.stream = stream;
        Begin(0);
        message.Field(FileVersion, "brain.Event:2"u8);
        Frame(message.Content);
    }

    /// <summary>A name under which TensorBoard draws numbers, encoded for <see cref="Write"/>.</summary>
    public static byte[] TagOf(string name)
    {
        var field = new Message();
        field.Field(Tag, Encoding.UTF8.GetBytes(name));
        return field.Content.ToArray();
    }

    /// <summary>One event with a number for each of the tags.</summary>
    /// <param name="seconds">Its wall time; where it is not finite, that of the event before.</param>
    public void Write(float seconds, long step, ReadOnlySpan<byte[]> tags, ReadOnlySpan<float> values)
    {
        summary.Clear();
        for (int i = 0; i < tags.Length; i++)
        {
            summary.Byte(Value);
            summary.Number((ulong)tags[i].Length + 1 + sizeof(float));
            summary.Raw(tags[i]);
            summary.Byte(SimpleValue);
            summary.Single(values[i]);
        }
        if (float.IsFinite(seconds))
            wallTime = seconds;
        Begin(step);
        message.Field(Summary, summary.Content);
        Frame(message.Content);
    }

    private void Begin(long step)
    {
        message.Clear();
        message.Byte(WallTime);
        message.Double(wallTime);
        message.Byte(Step);
        message.Number((ulong)step);
    }

    private void Frame(ReadOnlySpan<byte> content)
    {
        Span<byte> length = stackalloc byte[sizeof(ulong)],
            crc = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)content.Length);
        stream.Write(length);
        BinaryPrimitives.WriteUInt32LittleEndian(crc, MaskedCrc(length));
        stream.Write(crc);
        stream.Write(content);
        BinaryPrimitives.WriteUInt32LittleEndian(crc, MaskedCrc(content));
        stream.Write(crc);
    }

    private static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        return BitOperations.RotateRight(Crc32C.Of(bytes), 15) + 0xA282EAD8;
    }

    /// <summary>Bytes of a protobuf message as it grows.</summary>
    private sealed class Message
    {
        private byte[] bytes = new byte[1024];
        private int used;

        public ReadOnlySpan<byte> Content => bytes.AsSpan(0, used);

        public void Clear() => used = 0;

        public void Byte(byte value) => Room(1)[0] = value;

        public void Single(float value) => BinaryPrimitives.WriteSingleLittleEndian(Room(sizeof(float)), value);

        public void Double(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Room(sizeof(double)), value);

        public void Raw(ReadOnlySpan<byte> content) => content.CopyTo(Room(content.Length));

        public void Number(ulong value)
        {
            for (; value >= 0x80; value >>= 7)
                Byte((byte)(value | 0x80));
            Byte((byte)value);
        }

        public void Field(byte key, ReadOnlySpan<byte> content)
        {
            Byte(key);
            Number((ulong)content.Length);
            Raw(content);
        }

        private Span<byte> Room(int size)
        {
            if (bytes.Length - used < size)
                Array.Resize(ref bytes, Math.Max(2 * bytes.Length, used + size));
            used += size;
            return bytes.AsSpan(used - size, size);
        }
    }
}
