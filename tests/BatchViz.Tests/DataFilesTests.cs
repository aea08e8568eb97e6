using System.Formats.Tar;
using System.IO.Compression;
using BatchViz.Core.Specs;
using BatchViz.Data;

namespace BatchViz.Tests;

/// <summary>Which files an experiment can reach: those inside its folder, and from the page only folders inside <c>--data</c>.</summary>
public sealed class DataFilesTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("batchviz-test-").FullName;
    private readonly DataFiles files;

    public DataFilesTests()
    {
        foreach (string folder in new[] { "data/sub", "data2", "outside/deep" })
            Directory.CreateDirectory(Path.Combine(root, folder));
        foreach (string file in new[] { "data/in.csv", "data/sub/in.csv", "data2/in.csv", "in.csv", "outside/in.csv" })
            File.WriteAllText(Path.Combine(root, file), "x,y\n1,a\n2,b\n");
        (string Link, string Target)[] links =
        [
            ("same", "sub"),
            ("alias.csv", "same/in.csv"),
            ("out", "../outside"),
            ("out.csv", "../in.csv"),
            ("chain.csv", "out/in.csv"),
            ("climb.csv", "out/deep/../../in.csv"),
            ("round", "round"),
        ];
        foreach (var (link, target) in links)
            File.CreateSymbolicLink(Path.Combine(root, "data", link), target);
        files = new DataFiles(Path.Combine(root, "data"));
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Theory]
    [InlineData(null, "in.csv")]
    [InlineData(null, "sub/in.csv")]
    [InlineData(".", "in.csv")]
    [InlineData("sub", "in.csv")]
    [InlineData("same", "in.csv")]
    [InlineData("sub/../sub", "in.csv")]
    [InlineData(null, "alias.csv")]
    public void A_file_inside_the_folder_is_read_also_through_links_that_stay_inside(string? folder, string file)
    {
        Assert.Equal(2, Rows(folder, file, trusted: false));
        Assert.Equal(2, Rows(folder, file, trusted: true));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("../data2")]
    [InlineData("sub/../../outside")]
    [InlineData("/")]
    [InlineData("/etc")]
    [InlineData("out")]
    [InlineData("out/deep/..")]
    [InlineData("round")]
    [InlineData("%2e%2e")]
    [InlineData("%252e%252e")]
    [InlineData("..\\data2")]
    public void A_folder_outside_is_refused_to_the_page(string folder) =>
        Assert.Throws<RefusedException>(() => Rows(folder, "in.csv", trusted: false));

    [Theory]
    [InlineData("../data2")]
    [InlineData("out")]
    public void The_own_user_may_name_any_folder(string folder) => Assert.Equal(2, Rows(folder, "in.csv", trusted: true));

    [Theory]
    [InlineData("../in.csv")]
    [InlineData("sub/../../in.csv")]
    [InlineData("/etc/passwd")]
    [InlineData("%2e%2e/in.csv")]
    [InlineData("%252e%252e/in.csv")]
    [InlineData("..%2fin.csv")]
    [InlineData("..\\\\in.csv")]
    [InlineData("out.csv")]
    [InlineData("out/in.csv")]
    [InlineData("chain.csv")]
    [InlineData("climb.csv")]
    [InlineData("round")]
    [InlineData("round/in.csv")]
    [InlineData("sub")]
    public void A_file_outside_its_folder_is_refused_to_everybody(string file)
    {
        foreach (bool trusted in new[] { false, true })
        {
            string sentence = Assert.Throws<RefusedException>(() => Rows(null, file, trusted)).Message;
            Assert.EndsWith(".", sentence);
            Assert.DoesNotContain("..", sentence.Replace(file, ""));
        }
    }

    [Fact]
    public void A_device_that_never_ends_is_read_as_the_nothing_it_says_it_holds() =>
        Assert.Contains("has no rows", Assert.Throws<RefusedException>(() => Rows("/dev", "zero", trusted: true)).Message);

    [Theory]
    [InlineData("packed.csv")]
    [InlineData("packed.csv.gz")]
    [InlineData("odd-name")]
    public void Packed_files_are_unpacked_whatever_they_are_called(string named)
    {
        string file = named == "odd-name" ? named : "packed.csv.gz";
        File.WriteAllBytes(Path.Combine(root, "data", file), Packed("x,y\n1,a\n2,b\n3,a\n"u8));
        Assert.Equal(3, Rows(null, named, trusted: false));
    }

    [Fact]
    public void A_packed_file_in_parts_is_read_whole()
    {
        File.WriteAllBytes(Path.Combine(root, "data", "parts.csv.gz"), [.. Packed("x,y\n1,a\n"u8), .. Packed("2,b\n3,a\n4,a\n"u8)]);
        Assert.Equal(4, Rows(null, "parts.csv", trusted: false));
    }

    [Fact]
    public void A_packed_file_that_is_damaged_or_cut_short_is_refused()
    {
        byte[] text = new byte[200_000];
        for (int i = 0; i < text.Length; i++)
            text[i] = (byte)(i % 10 == 9 ? '\n' : "x,1234567"[i % 10]);
        byte[] packed = Packed(text);
        for (int length = 3; length < packed.Length; length += Math.Max(1, packed.Length / 40))
        {
            File.WriteAllBytes(Path.Combine(root, "data", "short.csv.gz"), packed[..length]);
            Assert.Contains(
                "short.csv cannot be read",
                Assert.Throws<RefusedException>(() => Rows(null, "short.csv", trusted: false)).Message
            );
        }
        packed[packed.Length / 2] ^= 0x55;
        File.WriteAllBytes(Path.Combine(root, "data", "short.csv.gz"), packed);
        Assert.Contains("short.csv cannot be read", Assert.Throws<RefusedException>(() => Rows(null, "short.csv", trusted: false)).Message);
    }

    [Fact]
    public void Packed_idx_files_are_read_as_mnist_comes()
    {
        File.WriteAllBytes(Path.Combine(root, "data", "images.gz"), Packed([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4]));
        File.WriteAllBytes(Path.Combine(root, "data", "labels.gz"), Packed([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]));
        foreach (string end in new[] { "", ".gz" })
        {
            var set = files.Load(
                new()
                {
                    Kind = DataKind.Idx,
                    TrainImages = "images" + end,
                    TrainLabels = "labels" + end,
                },
                trusted: false
            );
            Assert.Equal([1, 2, 3, 4], set.Train.Bytes!);
            Assert.Equal([0, 1], set.Train.Labels!);
        }
    }

    /// <summary>The files themselves, the folder that the archive unpacks to, the archive.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("cifar-10-batches-bin/")]
    [InlineData("cifar-10-binary.tar.gz")]
    public void Cifar_is_found_as_its_authors_give_it_away(string place)
    {
        // Out of their order, and with what else is in the archive.
        string[] names =
        [
            "batches.meta.txt",
            "test_batch.bin",
            "data_batch_2.bin",
            "data_batch_1.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
            "data_batch_3.bin",
        ];
        string sub = Path.Combine(root, "data", place.EndsWith(".gz") ? "" : place);
        Directory.CreateDirectory(sub);
        using var archive = new MemoryStream();
        using (var gzip = new GZipStream(archive, CompressionLevel.Fastest, leaveOpen: true))
        using (var tar = new TarWriter(gzip, TarEntryFormat.Ustar))
        {
            tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, "cifar-10-batches-bin/"));
            for (int f = 0; f < names.Length; f++)
            {
                byte[] bytes = names[f].EndsWith(".txt") ? "airplane"u8.ToArray() : Batch(names[f]);
                if (!place.EndsWith(".gz"))
                    File.WriteAllBytes(Path.Combine(sub, names[f]), bytes);
                else
                    tar.WriteEntry(
                        new UstarTarEntry(TarEntryType.RegularFile, "cifar-10-batches-bin/" + names[f])
                        {
                            DataStream = new MemoryStream(bytes),
                        }
                    );
            }
        }
        if (place.EndsWith(".gz"))
            File.WriteAllBytes(Path.Combine(sub, place), archive.ToArray());
        var set = files.Load(
            new()
            {
                Kind = DataKind.Cifar10,
                TrainExamples = 20_001,
                TestExamples = 10_000,
            },
            trusted: false
        );
        Assert.Equal((20_001, 10_000), (set.Train.Count, set.Test!.Count));
        Assert.Equal((1, 2, 3, 0), (set.Train.Labels![0], set.Train.Labels[10_000], set.Train.Labels[20_000], set.Test.Labels![0]));

        if (!place.EndsWith(".gz"))
            return;
        File.WriteAllBytes(Path.Combine(sub, place), archive.ToArray()[..(int)(archive.Length / 2)]);
        Assert.Contains(
            "cifar-10-binary.tar.gz cannot be read",
            Assert.Throws<RefusedException>(() => files.Load(new() { Kind = DataKind.Cifar10 }, trusted: false)).Message
        );
        File.Delete(Path.Combine(sub, place));
        Assert.StartsWith(
            "There is no file data_batch_1.bin in ",
            Assert.Throws<RefusedException>(() => files.Load(new() { Kind = DataKind.Cifar10 }, trusted: false)).Message
        );

        static byte[] Batch(string name)
        {
            byte[] batch = new byte[3073 * 10_000];
            for (int r = 0; r < 10_000; r++)
                batch[3073 * r] = (byte)(name[0] == 't' ? 0 : name[^5] - '0');
            return batch;
        }
    }

    private static byte[] Packed(ReadOnlySpan<byte> content)
    {
        using var to = new MemoryStream();
        using (var gzip = new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(content);
        return to.ToArray();
    }

    private int Rows(string? folder, string file, bool trusted)
    {
        string named = folder is null ? "" : $"\"folder\": \"{folder.Replace("\\", "\\\\")}\", ";
        var spec = SpecReader.Read(
            System.Text.Encoding.UTF8.GetBytes(
                $$"""{ "data": { "kind": "csv", {{named}}"file": "{{file}}", "testFraction": 0 }, "learningRate": 0.1, "batchSizes": [1], "budget": { "epochs": 1 } }"""
            )
        );
        return files.Load(spec.Data, trusted).Train.Count;
    }
}
