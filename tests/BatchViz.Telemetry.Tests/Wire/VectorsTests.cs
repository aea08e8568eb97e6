using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace BatchViz.Telemetry.Tests.Wire;

public class VectorsTests
{
    private static readonly string Folder = Path.Combine(Here(), "..", "..", "vectors", "wire");

    /// <summary>
    /// The vectors are what Stage's reader is tested against, so the encoder may not drift from them. Set BATCHVIZ_WRITE_VECTORS=1 to write
    /// them anew.
    /// </summary>
    [Fact]
    public void The_encoder_makes_exactly_the_committed_bytes()
    {
        bool write = Environment.GetEnvironmentVariable("BATCHVIZ_WRITE_VECTORS") == "1";
        if (write)
            Directory.CreateDirectory(Folder);
        var names = new List<string>();
        foreach (var (name, kind, bytes, expect) in Vectors.All())
        {
            names.Add(name);
            string json =
                new JsonObject { ["kind"] = kind, ["expect"] = expect }.ToJsonString(new JsonSerializerOptions { WriteIndented = false })
                + "\n";
            if (write)
            {
                File.WriteAllBytes(Path.Combine(Folder, name + ".bin"), bytes);
                File.WriteAllText(Path.Combine(Folder, name + ".json"), json);
            }
            Assert.True(File.ReadAllBytes(Path.Combine(Folder, name + ".bin")).AsSpan().SequenceEqual(bytes), $"{name}.bin has changed.");
            Assert.Equal(File.ReadAllText(Path.Combine(Folder, name + ".json")), json);
        }
        Assert.Equal(
            names.Order(StringComparer.Ordinal),
            Directory.GetFiles(Folder, "*.bin").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)
        );
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
