using System.Buffers.Binary;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>IDX files: sizes that fit the bytes and sizes that do not, that overflow, that no memory holds.</summary>
internal sealed class IdxTarget : FuzzTarget
{
    private static readonly DataSpec Spec = new()
    {
        Kind = DataKind.Idx,
        TrainImages = "images",
        TrainLabels = "labels",
    };

    public override byte[] Valid(FuzzRandom random) => Make(random, 0x08, [.. Sizes(random, random.Any(1, 1, 2, 3, 3, 4))], 0);

    public override byte[] Structured(FuzzRandom random)
    {
        uint[] sizes = [.. Sizes(random, random.Below(6))];
        for (int d = 0; d < sizes.Length; d++)
            if (random.Once(8))
                sizes[d] = random.Any<uint>(
                    0,
                    1,
                    0xFFFF,
                    0x10_000,
                    1 << 20,
                    (1 << 20) + 1,
                    int.MaxValue,
                    1u << 31,
                    uint.MaxValue,
                    random.Word()
                );
        byte type = random.Once(10) ? random.Any<byte>(0, 9, 0x0B, 0x0C, 0x0D, 0x0E, 0xFF) : (byte)0x08;
        byte[] file = Make(random, type, sizes, random.Once(4) ? random.Any(-1, 1, 3, -random.Length(1000), random.Length(1000)) : 0);
        if (random.Once(20))
            file[3] = (byte)random.Below(256);
        if (random.Once(20))
            Array.Resize(ref file, Math.Min(file.Length, random.Below(24)));
        return file;
    }

    /// <summary>Reads it alone, then as labels where it could be a list of them.</summary>
    public override void Read(byte[] input)
    {
        if (Idx.Read(input, "images").Inputs == 1)
            DataSource.Load(Spec, _ => input);
    }

    private static IEnumerable<uint> Sizes(FuzzRandom random, int rank)
    {
        for (int d = 0; d < rank; d++)
            yield return (uint)(d == 0 ? random.Length(1 << 20) : 1 + random.Below(4));
    }

    /// <param name="more">Bytes more than the sizes say, or fewer.</param>
    private static byte[] Make(FuzzRandom random, byte type, uint[] sizes, int more)
    {
        int most = random.Once(500) ? 1 << 20 : 5_000;
        double values = sizes.Aggregate(1.0, (product, size) => product * size);
        int header = 4 + 4 * sizes.Length;
        var file = new byte[header + (int)Math.Clamp(values + more, 0, most)];
        (file[2], file[3]) = (type, (byte)sizes.Length);
        for (int d = 0; d < sizes.Length; d++)
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(4 + 4 * d), sizes[d]);
        int classes = 1 + random.Below(256);
        for (int i = header; i < file.Length; i++)
            file[i] = (byte)(i * 31 % classes);
        return file;
    }
}
