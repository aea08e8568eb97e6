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
    public async Task The_build_lays_MNIST_beside_the_program(string name, int count, int inputs)
    {
        await using var packed = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "data", "mnist", name + ".gz"));
        await using var file = new GZipStream(packed, CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        await file.CopyToAsync(bytes);

        var content = Idx.Read(bytes.ToArray(), name);

        Assert.Equal((count, inputs), (content.Count, content.Inputs));
    }
}
