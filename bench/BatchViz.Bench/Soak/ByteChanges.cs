namespace BatchViz.Bench.Soak;

/// <summary>
/// Changes bytes without knowing what they mean: set, flipped, put in, taken out, copied, cut, repeated, or made a border of 32 or 64 bits.
/// </summary>
internal static class ByteChanges
{
    private const int Longest = 1 << 20;

    public static byte[] Make(byte[] valid, FuzzRandom random)
    {
        var bytes = new List<byte>(valid);
        for (int left = 1 + random.Below(random.Maybe() ? 1 : 8); left > 0; left--)
            Change(bytes, random);
        return [.. bytes];
    }

    private static void Change(List<byte> bytes, FuzzRandom random)
    {
        int at = random.Below(bytes.Count + 1),
            length = Math.Min(random.Length(bytes.Count), bytes.Count - at);
        switch (random.Below(9))
        {
            case 0 when at < bytes.Count:
                bytes[at] = (byte)random.Below(256);
                break;
            case 1 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Below(8));
                break;
            case 2:
                bytes.Insert(
                    at,
                    random.Any<byte>(
                        0,
                        (byte)'\n',
                        (byte)'\r',
                        (byte)'"',
                        (byte)',',
                        (byte)'\\',
                        (byte)'{',
                        (byte)'[',
                        0x7F,
                        0x80,
                        0xC0,
                        0xEF,
                        0xFF
                    )
                );
                break;
            case 3:
                bytes.RemoveRange(at, length);
                break;
            case 4:
                bytes.InsertRange(random.Below(bytes.Count + 1), bytes.GetRange(at, length));
                break;
            case 5:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 6:
                Repeat(bytes, at, length, random.Length(100_000));
                break;
            case 7:
                Overwrite(bytes, at, Border(random));
                break;
            default:
                for (int i = 0; i < length; i++)
                    bytes[at + i] = (byte)random.Below(256);
                break;
        }
    }

    private static void Repeat(List<byte> bytes, int at, int length, int times)
    {
        if (length == 0)
            return;
        byte[] part = [.. bytes.GetRange(at, length)];
        times = Math.Min(times, (Longest - bytes.Count) / length);
        if (times > 0)
            bytes.InsertRange(at, Enumerable.Repeat(part, times).SelectMany(b => b));
    }

    private static byte[] Border(FuzzRandom random)
    {
        var word = new byte[random.Any(2, 4, 8)];
        ulong value = random.Any<ulong>(
            0,
            1,
            0x7F,
            0x80,
            0xFF,
            0x7FFF,
            0xFFFF,
            0x7FFF_FFFF,
            0x8000_0000,
            0xFFFF_FFFF,
            0x1_0000_0000,
            long.MaxValue,
            1ul << 63,
            ulong.MaxValue
        );
        for (int i = 0; i < word.Length; i++)
            word[i] = (byte)(value >> (8 * i));
        if (random.Maybe())
            word.AsSpan().Reverse();
        return word;
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] with)
    {
        for (int i = 0; i < with.Length && at + i < bytes.Count; i++)
            bytes[at + i] = with[i];
    }
}
