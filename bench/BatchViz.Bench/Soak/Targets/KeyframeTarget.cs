using System.Buffers.Binary;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Recording.Storage;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>
/// Keyframes: counts that fit their bytes and counts that do not, that overflow, of another run or recording; and damaged ones.
/// </summary>
internal sealed class KeyframeTarget : FuzzTarget
{
    private const byte Type = 16;

    private readonly RecordingSample sample = new();
    private readonly byte[] valid;
    private readonly string name;

    public KeyframeTarget()
    {
        name = $"{Keyframes.FolderOf(sample.RunId)}/000000000001.key";
        valid = RecordingSample.BytesOf(sample.Record(10, ended: true, keyframes: 1), name);
    }

    public override byte[] Valid(FuzzRandom random) => [.. valid];

    public override byte[] Structured(FuzzRandom random)
    {
        byte[] payload = [.. valid.AsSpan(LogBlock.HeaderBytes)];
        for (int changes = 1 + random.Below(3); changes > 0; changes--)
        {
            int at = random.Any(16, 24, 28, 32, 36);
            BinaryPrimitives.WriteInt32LittleEndian(
                payload.AsSpan(at),
                random.Any(-1, 0, 1, 2, 3, 8, 9, 64, 65, int.MaxValue, int.MinValue, (int)random.Word())
            );
        }
        if (random.Maybe())
            Array.Resize(ref payload, random.Length(100_000));
        return LogBlock.Whole(random.Once(10) ? (byte)random.Below(256) : Type, random.Once(10) ? random.Word() : 0, payload);
    }

    public override void Read(byte[] input)
    {
        var keyframes = new Keyframes(RecordingSample.With(name, input), sample.Manifest.Id, sample.RunId, 1 << 20);
        keyframes.Find();
        var damages = new List<Damage>();
        if (keyframes.Read(1, damages) is not { } read)
            throw new RefusedException($"{damages.Single()}.");
        if (read.Updates != 1)
            throw new InvalidOperationException("the keyframe is of another update");
    }
}
