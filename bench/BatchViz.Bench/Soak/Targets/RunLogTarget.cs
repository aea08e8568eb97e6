using System.Buffers.Binary;
using System.Text;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Recording.Storage;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>
/// Run logs: blocks whose checksums are right and whose contents make no sense, out of order, of huge counts and levels; and damaged ones.
/// </summary>
internal sealed class RunLogTarget : FuzzTarget
{
    private const int Kinds = 9;

    private readonly RecordingSample sample = new();
    private readonly byte[][] valid;
    private readonly string name;

    public RunLogTarget()
    {
        name = $"runs/{sample.RunId}.log";
        valid =
        [
            .. new[] { 0, 1, 5, 255, 256, 257, 700, 1024, 3000 }.SelectMany(n =>
                new[] { true, false }.Select(ended => RecordingSample.BytesOf(sample.Record(n, ended, 0), name))
            ),
        ];
    }

    public override byte[] Valid(FuzzRandom random) => [.. valid[random.Below(valid.Length)]];

    public override byte[] Structured(FuzzRandom random)
    {
        var file = new MemoryStream();
        uint sequence = 0;
        long records = 0;
        int blocks = 1 + random.Length(200);
        for (int b = 0; b < blocks; b++)
        {
            byte type = b == 0 && !random.Once(20) ? (byte)1 : (byte)random.Below(Kinds);
            byte[] payload = Payload(type, ref records, random);
            if (random.Once(20))
                sequence = random.Word();
            file.Write(LogBlock.Whole(type, sequence++, payload));
        }
        byte[] bytes = file.ToArray();
        return random.Once(10) ? bytes[..random.Below(bytes.Length)] : bytes;
    }

    /// <summary>Whatever it is, the intact part is read; that there is more, and why it is not read, is the refusal.</summary>
    public override void Read(byte[] input)
    {
        using var folder = RecordingFolder.Open(RecordingSample.With(name, input), sample.Manifest, sample.Plan);
        var log = folder.Runs[0].Log;
        _ = Telemetry.Wire.Blocks.Tile(1, 0, log, [0, 1, log.SecondsColumn], 5, 0);
        if (folder.Damages.Count > 0)
            throw new RefusedException($"{folder.Damages[0]}.");
    }

    private byte[] Payload(byte type, ref long records, FuzzRandom random)
    {
        int width = RecordingFolder.LayoutOf(sample.Plan).Width;
        switch (type)
        {
            case 1:
                byte[] names = BeginNames(random),
                    columns = Columns(random);
                // What the current version is given most of the time; those before named no columns, or no run.
                int version =
                    names.Length == 24 ? 1
                    : random.Once(4) ? 2
                    : 3;
                byte[] begin = version < 3 ? [.. new byte[16], .. names] : [.. new byte[16], .. columns, .. names];
                if (version < 3)
                    width = new RecordLayout(sample.Plan.Network.Layers, recorded: []).Width;
                BinaryPrimitives.WriteInt32LittleEndian(begin, random.Once(20) ? random.Below(5) : version);
                BinaryPrimitives.WriteInt32LittleEndian(begin.AsSpan(4), random.Once(20) ? 7 : width);
                BinaryPrimitives.WriteInt64LittleEndian(begin.AsSpan(8), random.Once(20) ? Odd(random) : 0);
                return begin;
            case 2:
                int rows = random.Once(10) ? 0 : 1 + random.Below(40);
                var kept = new byte[16 + 4 * width * rows + (random.Once(20) ? random.Below(9) : 0)];
                BinaryPrimitives.WriteInt64LittleEndian(kept, random.Once(10) ? Odd(random) : records);
                BinaryPrimitives.WriteInt32LittleEndian(kept.AsSpan(8), random.Once(10) ? (int)Odd(random) : rows);
                for (int i = 16; i < kept.Length; i++)
                    kept[i] = (byte)random.Below(256);
                records += rows;
                return kept;
            case 3:
                int level = random.Once(4) ? random.Below(20) : 4 + random.Below(3),
                    count = random.Once(10) ? 0 : 1 + random.Below(3),
                    size = (13 * width + 3) / 4 * 4;
                long aligned = records >> Math.Min(2 * level, 62) << Math.Min(2 * level, 62) == records ? records : 0;
                var buckets = new byte[16 + size * count];
                BinaryPrimitives.WriteInt64LittleEndian(buckets, random.Once(10) ? Odd(random) : aligned >> Math.Min(2 * level, 62));
                BinaryPrimitives.WriteInt32LittleEndian(buckets.AsSpan(8), random.Once(10) ? (int)Odd(random) : count);
                buckets[12] = (byte)level;
                records = aligned + ((long)count << Math.Min(2 * level, 40));
                return buckets;
            case 4:
                var evaluations = new byte[20 * (1 + random.Below(5)) + (random.Once(20) ? 1 : 0)];
                for (int i = 0; i + 8 <= evaluations.Length; i += 20)
                    BinaryPrimitives.WriteInt64LittleEndian(evaluations.AsSpan(i), random.Once(5) ? Odd(random) : records + i);
                return evaluations;
            case 5:
                return Encoding.UTF8.GetBytes(
                    random.Any(
                        """{"state":"finished","updates":3,"message":null,"result":null}""",
                        """{"state":"running","updates":3,"message":null,"result":null}""",
                        """{"state":"99","updates":3}""",
                        "{}",
                        "null",
                        "[1]",
                        """{"state":"diverged","updates":1e99,"message":"\u0000\u2028","result":{"id":"b","seconds":"NaN"}}""",
                        $$"""{"state":"stopped","message":"{{new string('x', random.Length(70_000))}}"}""",
                        string.Concat(Enumerable.Repeat("{\"result\":", random.Length(1000)))
                    )
                );
            case 6:
                return Encoding.UTF8.GetBytes(
                    random.Any(
                        """{"update":3,"sharpness":1.5,"eigenvalues":[1,2]}""",
                        "{}",
                        "null",
                        """{"update":"x"}""",
                        """{"update":3,"eigenvalues":null,"trace":"Infinity"}""",
                        $$"""{"update":1,"eigenvalues":[{{string.Join(',', Enumerable.Repeat("0", 1 + random.Length(20_000)))}}]}"""
                    )
                );
            default:
                return new byte[random.Length(3000)];
        }
    }

    /// <summary>The recording and, but in logs of version 1, the run; with names of others, cut short and of odd lengths.</summary>
    private byte[] BeginNames(FuzzRandom random)
    {
        var id = random.Once(20) ? Guid.Empty : sample.Manifest.Id;
        if (random.Once(4))
            return [.. id.ToByteArray(), .. new byte[8]];
        string run = random.Once(20) ? random.Any("b8-s1", "B4", "", new string('x', 200)) : sample.RunId;
        byte[] names =
        [
            .. id.ToByteArray(),
            .. BitConverter.GetBytes(random.Once(20) ? (int)Odd(random) : 1),
            (byte)run.Length,
            .. Encoding.ASCII.GetBytes(run),
        ];
        return random.Once(20) ? names[..random.Below(names.Length)] : names;
    }

    /// <summary>Length and names of the columns.</summary>
    private byte[] Columns(FuzzRandom random)
    {
        var all = RecordingFolder.LayoutOf(sample.Plan).Columns.Select(column => column.Name).ToList();
        if (random.Once(20))
            all[random.Below(all.Count)] = random.Any("", "loss", "ofALaterBuild", new string('x', random.Length(2000)));
        byte[] names = Encoding.UTF8.GetBytes(string.Join('\n', all));
        if (random.Once(20))
            names[random.Below(names.Length)] = (byte)random.Below(256);
        return [.. BitConverter.GetBytes(random.Once(20) ? (int)Odd(random) : names.Length), .. names];
    }

    private static long Odd(FuzzRandom random) =>
        random.Any(
            -1,
            0,
            1,
            255,
            int.MaxValue,
            int.MinValue,
            uint.MaxValue,
            long.MaxValue,
            long.MinValue,
            100_000_000L,
            99_999_999L,
            (long)random.Word()
        );
}
