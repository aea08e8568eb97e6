using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Training;

/// <summary>
/// The landscape of a recording, as it was last seen: the plane in words and as vectors, the finest finished grid, and every run's path
/// (docs/decisions/0016).
/// </summary>
public static class LandscapeFile
{
    private const byte Head = 32,
        Grid = 33,
        Path = 34,
        Vector = 35,
        Statistics = 36;
    private const int PointBytes = 20;

    internal sealed record HeadJson(
        uint PlaneId,
        uint GridId,
        string Kind,
        string Title,
        double? Explained,
        double? ExplainedByRandomWalk,
        double[] Region,
        int Resolution,
        long FittedAt,
        int Runs,
        PlaneOrigin? Origin = null
    );

    /// <param name="manifest">Of the recording, which the file names.</param>
    public static byte[] Write(Landscape landscape, RecordingManifest manifest)
    {
        var r = landscape.Region;
        var file = new MemoryStream();
        file.Write(RecordingFolder.IdentityBlock(manifest));
        uint sequence = 1;
        void Put(byte type, ReadOnlySpan<byte> payload) => file.Write(LogBlock.Whole(type, sequence++, payload));
        Put(
            Head,
            JsonSerializer.SerializeToUtf8Bytes(
                new HeadJson(
                    landscape.PlaneId,
                    landscape.GridId,
                    SpecVocabulary.Of(SpecVocabulary.Planes, landscape.Kind),
                    landscape.Title,
                    landscape.Explained,
                    landscape.ExplainedByRandomWalk,
                    [r.X0, r.X1, r.Y0, r.Y1],
                    landscape.Resolution,
                    landscape.FittedAt,
                    landscape.Paths.Count,
                    landscape.Origin
                ),
                LandscapeContext.Default.HeadJson
            )
        );
        Put(Grid, MemoryMarshal.AsBytes<float>(landscape.Layers.Count > 0 ? landscape.Layers[^1].Losses : []));
        foreach (var path in landscape.Paths)
        {
            var points = path.ToArray();
            var payload = new byte[points.Length * PointBytes];
            for (int i = 0; i < points.Length; i++)
            {
                var at = payload.AsSpan(i * PointBytes);
                BinaryPrimitives.WriteUInt32LittleEndian(at, points[i].Update);
                BinaryPrimitives.WriteSingleLittleEndian(at[4..], points[i].X);
                BinaryPrimitives.WriteSingleLittleEndian(at[8..], points[i].Y);
                BinaryPrimitives.WriteSingleLittleEndian(at[12..], points[i].Loss);
                BinaryPrimitives.WriteSingleLittleEndian(at[16..], points[i].OffPlane);
            }
            Put(Path, payload);
        }
        if (landscape.Plane?.Export() is { } vectors && sizeof(float) * (long)vectors.Origin.Length <= LogBlock.MostPayload)
        {
            foreach (float[] vector in new[] { vectors.Origin, vectors.First, vectors.Second })
                Put(Vector, MemoryMarshal.AsBytes<float>(vector));
            if (vectors.Statistics is { } statistics)
                Put(Statistics, MemoryMarshal.AsBytes<double>(statistics));
        }
        return file.ToArray();
    }

    /// <summary>Null where there is none, or none that can be read: it is computed anew.</summary>
    /// <param name="runs">Of the experiment; the file may be older and have fewer.</param>
    public static Landscape? Read(byte[]? bytes, int runs)
    {
        if (bytes is null)
            return null;
        var scanner = new BlockScanner(new InMemory(bytes));
        if (!scanner.Next() || (RecordingFolder.IsIdentity(scanner) && !scanner.Next()) || scanner.Type != Head)
            return null;
        HeadJson? head;
        try
        {
            head = JsonSerializer.Deserialize(scanner.Payload, LandscapeContext.Default.HeadJson);
        }
        catch (JsonException)
        {
            return null;
        }
        if (
            head is not { Kind: not null, Title: not null, Region: { Length: 4 } region, Resolution: >= 0 and <= 129, Runs: >= 0 }
            || head.Runs > runs
        )
            return null;
        var kind = SpecVocabulary.Planes.FirstOrDefault(word => word.Word == head.Kind);
        if (kind.Word is null || !scanner.Next() || scanner.Type != Grid || scanner.PayloadLength != 4 * head.Resolution * head.Resolution)
            return null;
        float[] losses = MemoryMarshal.Cast<byte, float>(scanner.Payload).ToArray();
        var paths = new List<AppendOnly<PathPoint>>();
        for (int r = 0; r < runs; r++)
        {
            var path = new AppendOnly<PathPoint>();
            paths.Add(path);
            if (r >= head.Runs)
                continue;
            if (!scanner.Next() || scanner.Type != Path || scanner.PayloadLength % PointBytes != 0)
                return null;
            for (var at = scanner.Payload; at.Length > 0; at = at[PointBytes..])
                path.Add(
                    new(
                        BinaryPrimitives.ReadUInt32LittleEndian(at),
                        BinaryPrimitives.ReadSingleLittleEndian(at[4..]),
                        BinaryPrimitives.ReadSingleLittleEndian(at[8..]),
                        BinaryPrimitives.ReadSingleLittleEndian(at[12..]),
                        BinaryPrimitives.ReadSingleLittleEndian(at[16..])
                    )
                );
        }
        return new Landscape
        {
            PlaneId = head.PlaneId,
            GridId = head.GridId,
            Kind = kind.Value,
            Title = head.Title,
            Origin = head.Origin is { Runs: not null } ? head.Origin : null,
            Explained = head.Explained,
            ExplainedByRandomWalk = head.ExplainedByRandomWalk,
            Region = new GridRegion(region[0], region[1], region[2], region[3]),
            Layers = head.Resolution > 0 ? [new GridLayer(head.Resolution, losses)] : [],
            Paths = paths,
            Plane = null,
            FittedAt = head.FittedAt,
            Vectors = ReadVectors(scanner),
        };
    }

    /// <summary>Null where there are none, as in files of earlier versions, or where they are damaged.</summary>
    private static PlaneVectors? ReadVectors(BlockScanner scanner)
    {
        var vectors = new float[3][];
        for (int v = 0; v < vectors.Length; v++)
        {
            if (!scanner.Next() || scanner.Type != Vector || scanner.PayloadLength % sizeof(float) != 0)
                return null;
            vectors[v] = MemoryMarshal.Cast<byte, float>(scanner.Payload).ToArray();
        }
        bool more = scanner.Next();
        if (scanner.Why is not null || (more && (scanner.Type != Statistics || scanner.PayloadLength % sizeof(double) != 0)))
            return null;
        double[]? statistics = more ? MemoryMarshal.Cast<byte, double>(scanner.Payload).ToArray() : null;
        return new PlaneVectors(vectors[0], vectors[1], vectors[2], statistics);
    }

    private sealed class InMemory(byte[] bytes) : IReadFile
    {
        public long Length => bytes.Length;

        public int Read(long offset, Span<byte> into)
        {
            int some = (int)Math.Min(into.Length, Math.Max(0, bytes.Length - offset));
            bytes.AsSpan((int)offset, some).CopyTo(into);
            return some;
        }

        public void Dispose() { }
    }
}

/// <summary>As in the other files of a recording, NaN and ±Infinity are words.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    MaxDepth = 8,
    GenerationMode = JsonSourceGenerationMode.Metadata
)]
[JsonSerializable(typeof(LandscapeFile.HeadJson))]
internal sealed partial class LandscapeContext : JsonSerializerContext;
