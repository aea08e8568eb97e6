using System.IO.Compression;
using BatchViz.Core.Data;

namespace BatchViz.Tests;

public class MnistFilesTests
{
    [Theory]
    [InlineData("train-images-idx3-ubyte", 60_000, 784)]
    [InlineData("train-labels-idx1-ubyte", 60_000, 1)]
    [InlineData("t10k-images-idx3-ubyte", 10_000, 784)]
    [InlineData("t10k-labels-idx1-ubyte", 10_000, 1)]
    public async Task The_build_lays_MNIST_and_Fashion_MNIST_beside_the_program(string name, int count, int inputs)
    {
        foreach (string folder in new[] { "mnist", "fashion-mnist" })
        {
            var content = await Read(folder, name);

            Assert.Equal((count, inputs), (content.Count, content.Inputs));
        }
    }

    /// <summary>
    /// 6,000 and 1,000 of each class, in no order that a batch or the front of a split would notice; no image in both splits but for the
    /// set's own few doubles.
    /// </summary>
    [Fact]
    public async Task Fashion_MNIST_is_balanced_and_mixed()
    {
        var labels = (await Read("fashion-mnist", "train-labels-idx1-ubyte")).Bytes;
        Assert.All(Enumerable.Range(0, 10), c => Assert.Equal(6000, labels.Count(label => label == c)));
        Assert.All(Enumerable.Range(0, 10), c => Assert.InRange(labels.Take(1000).Count(label => label == c), 60, 140));
        Assert.All(
            Enumerable.Range(0, 10),
            c => Assert.Equal(1000, Read("fashion-mnist", "t10k-labels-idx1-ubyte").Result.Bytes.Count(label => label == c))
        );
        var images = await Read("fashion-mnist", "train-images-idx3-ubyte");
        var test = await Read("fashion-mnist", "t10k-images-idx3-ubyte");
        HashSet<string> known = [.. images.Bytes.Chunk(784).Select(Convert.ToBase64String)];
        Assert.InRange(test.Bytes.Chunk(784).Count(image => known.Contains(Convert.ToBase64String(image))), 0, 30);
        // The ankle boot that the set's tutorials begin with, its rows 3 and 4, is among them with its label.
        byte[] boot =
        [
            1,
            0,
            0,
            13,
            73,
            0,
            0,
            1,
            4,
            0,
            0,
            0,
            0,
            1,
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            3,
            0,
            36,
            136,
            127,
            62,
            54,
            0,
            0,
            0,
            1,
            3,
            4,
            0,
            0,
            3,
        ];
        bool IsBoot(byte[] image) => image.AsSpan(3 * 28 + 12, boot.Length).SequenceEqual(boot);
        byte[] testLabels = (await Read("fashion-mnist", "t10k-labels-idx1-ubyte")).Bytes;
        int[] found =
        [
            .. images.Bytes.Chunk(784).Select((image, i) => IsBoot(image) ? labels[i] : -1),
            .. test.Bytes.Chunk(784).Select((image, i) => IsBoot(image) ? testLabels[i] : -1),
        ];
        Assert.Equal([9], found.Where(label => label >= 0));
    }

    private static async Task<Idx.Content> Read(string folder, string name)
    {
        await using var packed = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "data", folder, name + ".gz"));
        await using var file = new GZipStream(packed, CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        await file.CopyToAsync(bytes);
        return Idx.Read(bytes.ToArray(), name);
    }
}
