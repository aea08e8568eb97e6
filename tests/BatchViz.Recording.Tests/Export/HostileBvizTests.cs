using System.IO.Compression;
using System.Text;
using BatchViz.Core.Specs;
using BatchViz.Recording.Export;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording.Tests.Export;

/// <summary>
/// A .bviz from someone who means harm, or from a bad disk: one sentence, and nothing is left, inside or outside of the folder.
/// </summary>
public sealed class HostileBvizTests : IDisposable
{
    private static readonly byte[] Good = Made();

    private readonly ExportFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("../evil")]
    [InlineData("runs/../../evil")]
    [InlineData("/tmp/evil")]
    [InlineData("..\\evil")]
    [InlineData("runs\\b8-s1.log")]
    [InlineData("C:evil")]
    [InlineData("%2e%2e/evil")]
    [InlineData("%252e%252e%252fevil")]
    [InlineData("./landscape.bin")]
    [InlineData("runs//b8-s1.log")]
    [InlineData("runs/b8-s1.log/")]
    [InlineData("runs/")]
    [InlineData("Landscape.bin")]
    [InlineData("runs/B8-S1.log")]
    [InlineData("RUNS/b8-s1.log")]
    [InlineData("landscape.bin ")]
    [InlineData("landscape.bin.")]
    [InlineData("landscape.bin\0")]
    [InlineData("landscape.bin::$DATA")]
    [InlineData("landscape.bin\n")]
    [InlineData("lock")]
    [InlineData("manifest.json.new")]
    [InlineData("runs/other-s1.log")]
    [InlineData("runs/.log")]
    [InlineData("keys/b8-s1/5.key")]
    [InlineData("keys/b8-s1/-00000000005.key")]
    [InlineData("keys/b8-s1/000000000005.KEY")]
    [InlineData("keys/b8-s1/000000000005.key/000000000005.key")]
    [InlineData("keys/other-s1/000000000005.key")]
    [InlineData("keys/../b8-s1/000000000005.key")]
    public void A_name_that_no_recording_has_is_refused(string name) =>
        Refused(Forged(Manifest, (name, LogBlock.Whole(1, 0, "evil"u8))), "a recording has no file");

    [Fact]
    public void A_name_twice_is_refused()
    {
        byte[] block = LogBlock.Whole(1, 0, "content"u8);

        Refused(Forged(Manifest, ("landscape.bin", block), ("landscape.bin", block)), "twice");
        Refused(Forged(Manifest, Manifest), "twice");
    }

    [Fact]
    public void A_file_that_does_not_begin_with_a_manifest_is_refused()
    {
        Refused([], "cut short");
        Refused("PK\x3\x4"u8.ToArray(), "cut short");
        Refused(new byte[1000], "manifest");
        Refused(Forged(), "manifest");
        Refused(Forged(("landscape.bin", LogBlock.Whole(1, 0, "content"u8)), Manifest), "manifest");
        Refused(Forged(("manifest.json", "{}"u8.ToArray())), "manifest");
        Refused(Forged(("manifest.json", new byte[RecordingManifest.MostBytes + 1])), "manifest");
    }

    [Fact]
    public void A_manifest_whose_run_is_a_path_is_refused()
    {
        string text = Encoding.UTF8.GetString(Manifest.Content);
        foreach (string id in new[] { "../../x", "..", "/tmp/x", "b8\\\\..", "b8-s1\\n", "B8-S1", "" })
        {
            string body = text[..text.LastIndexOf(",\"checksum\"", StringComparison.Ordinal)]
                .Replace("\"id\":\"b8-s1\"", $"\"id\":\"{id}\"");
            byte[] manifest = Encoding.UTF8.GetBytes($"{body},\"checksum\":\"{Crc32C.Of(Encoding.UTF8.GetBytes(body)):x8}\"}}");
            Refused(Forged(("manifest.json", manifest)), "runs make no sense");
        }
    }

    [Fact]
    public void A_damaged_block_is_found_even_where_the_file_s_own_checksum_fits()
    {
        byte[] block = LogBlock.Whole(1, 0, "content"u8);
        block[^1] ^= 1;

        Refused(Forged(Manifest, ("runs/b8-s1.log", block)), "not intact");
        Refused(Forged(Manifest, ("keys/b8-s1/000000000005.key", [])), "not intact");
        Refused(Forged(Manifest, ("runs/b8-s1.times", [.. LogBlock.Whole(1, 0, "content"u8), 0])), "not intact");
    }

    [Fact]
    public void Whatever_bit_is_another_the_file_is_refused()
    {
        var random = new Random(6);
        for (int i = 0; i < 2000; i++)
        {
            byte[] file = [.. Good];
            // The first and the last kilobyte hold most of what is not content.
            int at = random.Next(3) switch
            {
                0 => random.Next(1024),
                1 => file.Length - 1 - random.Next(1024),
                _ => random.Next(file.Length),
            };
            file[at] ^= (byte)(1 << random.Next(8));
            RefusedInMemory(file);
        }
    }

    [Fact]
    public void Cut_anywhere_or_longer_it_is_refused()
    {
        var random = new Random(7);
        for (int i = 0; i < 1000; i++)
            RefusedInMemory(Good[..(i < 200 ? Good.Length - 1 - i : random.Next(Good.Length))]);
        Refused(Good[..^1], "cut short");
        Refused([.. Good, 0], "follows its end");
        Refused([.. Good, .. Good], "follows its end");
    }

    /// <summary>A link in a ZIP is a file whose mode, in its external attributes, says so.</summary>
    [Fact]
    public void A_link_is_refused()
    {
        byte[] file = Forged(Manifest, ("landscape.bin", LogBlock.Whole(1, 0, "/etc/passwd"u8)));
        int central = file.AsSpan().LastIndexOf("PK\x1\x2"u8);
        file[central + 5] = 3; // made by Unix
        BitConverter.GetBytes(0xA1FFu << 16).CopyTo(file, central + 38);

        Refused(file, "another kind of ZIP");
    }

    [Fact]
    public void What_other_programs_packed_is_refused_compressed_or_not()
    {
        foreach (var level in new[] { CompressionLevel.SmallestSize, CompressionLevel.NoCompression })
        {
            var stream = new MemoryStream();
            using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            {
                foreach (var (name, content) in new[] { Manifest, ("landscape.bin", new byte[20 << 20]) })
                {
                    using var entry = zip.CreateEntry(name, level).Open();
                    entry.Write(content);
                }
            }
            Refused(stream.ToArray(), "another kind of ZIP");
        }
    }

    [Fact]
    public void A_size_that_is_a_lie_takes_no_memory_and_no_disk()
    {
        foreach (long size in new[] { 1L << 62, long.MaxValue, -1, long.MinValue, int.MaxValue })
        {
            byte[] head =
            [
                .. StoredZip.Local(new("manifest.json", System.IO.Hashing.Crc32.HashToUInt32(Manifest.Content), Manifest.Content.Length)),
                .. Manifest.Content,
            ];
            byte[] file = [.. head, .. StoredZip.Local(new("runs/b8-s1.log", 0, size)), .. new byte[1000]];
            long before = GC.GetAllocatedBytesForCurrentThread();

            Refused(file, "");
            Refused([.. StoredZip.Local(new("manifest.json", 0, size)), .. new byte[1000]], "");

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 * (10 * file.Length + (1 << 20)));
        }
    }

    [Fact]
    public void A_good_file_takes_no_more_memory_than_ten_times_its_size_and_a_megabyte()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();

        Bviz.Read(new MemoryStream(Good), Path.Combine(folder.Path, "good"));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10 * Good.Length + (1 << 20));
    }

    private static (string Name, byte[] Content) Manifest { get; } = ("manifest.json", FirstOf(Good));

    private void Refused(byte[] file, string says)
    {
        string target = Path.Combine(folder.Path, "target");
        var refusal = Assert.Throws<RefusedException>(() => Bviz.Read(new MemoryStream(file), target));

        Assert.Contains(says, refusal.Message);
        Assert.EndsWith(".", refusal.Message);
        Assert.DoesNotContain(refusal.Message, char.IsControl);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        Assert.False(File.Exists("/tmp/evil"));
    }

    /// <summary>Without the folder around it, for thousands of trials.</summary>
    private static void RefusedInMemory(byte[] file)
    {
        using var files = new MemoryFiles();

        Assert.EndsWith(".", Assert.Throws<RefusedException>(() => Bviz.Read(new MemoryStream(file), files)).Message);

        Assert.Null(files.Read(RecordingManifest.FileName));
    }

    /// <summary>A file as <see cref="Bviz.Write"/> makes them, but of any names and contents.</summary>
    private static byte[] Forged(params (string Name, byte[] Content)[] files)
    {
        var stream = new MemoryStream();
        ZipEntry[] entries =
        [
            .. files.Select(file => new ZipEntry(file.Name, System.IO.Hashing.Crc32.HashToUInt32(file.Content), file.Content.Length)),
        ];
        foreach (var (entry, file) in entries.Zip(files))
        {
            stream.Write(StoredZip.Local(entry));
            stream.Write(file.Content);
        }
        foreach (byte[] piece in StoredZip.End(entries))
            stream.Write(piece);
        return stream.ToArray();
    }

    private static byte[] Made()
    {
        using var recording = new SmallRecording(new MemoryFiles()).Train(60);
        return BvizTests.Written(recording.Files);
    }

    private static byte[] FirstOf(byte[] file)
    {
        using var stream = new ZipArchive(new MemoryStream(file)).Entries[0].Open();
        var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
