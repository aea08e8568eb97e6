using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Data;

/// <summary>Files as CIFAR-10's authors lay them out, written by the test.</summary>
public class Cifar10Tests
{
    private static readonly DataSpec Spec = new() { Kind = DataKind.Cifar10 };

    [Fact]
    public void Images_keep_their_planes_and_examples_their_order()
    {
        var set = DataSource.Load(Spec, Write);

        Assert.Equal((50_000, 10_000, 3072, 10), (set.Train.Count, set.Test!.Count, set.Inputs, set.Outputs));
        Assert.Equal(((32, 32), 3), (set.Image!.Value, set.Channels));
        foreach (int example in new[] { 0, 1, 9_999, 10_000, 49_999 })
        {
            Assert.Equal(example % 10, set.Train.Labels![example]);
            var features = new float[3072];
            set.Train.CopyFeatures(example, features);
            // Red, green and blue of the pixel in row 2, column 3.
            for (int c = 0; c < 3; c++)
                Assert.Equal(
                    Pixel(1 + example / 10_000, example % 10_000, (c * 32 + 2) * 32 + 3) / 255f,
                    features[(c * 32 + 2) * 32 + 3],
                    1e-6f
                );
        }
        Assert.Equal(Pixel(6, 77, 5), set.Test.Bytes![77 * 3072 + 5]);
    }

    [Fact]
    public void No_more_files_are_read_than_wanted()
    {
        var opened = new List<string>();
        var set = DataSource.Load(
            Spec with
            {
                TrainExamples = 10_001,
                TestExamples = 10,
            },
            name =>
            {
                opened.Add(name);
                return Write(name);
            }
        );

        Assert.Equal((10_001, 10), (set.Train.Count, set.Test!.Count));
        Assert.Equal(["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"], opened);
    }

    [Fact]
    public void Files_that_are_no_batches_are_refused_in_a_sentence()
    {
        Assert.Equal(
            "\"data_batch_2.bin\" is no batch of CIFAR-10's binary version: it has 30,729,999 bytes, not 10,000 records of 3,073.",
            Refusal(() => DataSource.Load(Spec, name => name == "data_batch_2.bin" ? Write(name)[..^1] : Write(name)))
        );
        Assert.Equal(
            "\"test_batch.bin\" is no batch of CIFAR-10's binary version: record 12 has the label 10, and there are 10 classes.",
            Refusal(() =>
                DataSource.Load(
                    Spec with
                    {
                        TrainExamples = 1,
                    },
                    name =>
                    {
                        byte[] file = Write(name);
                        if (name == "test_batch.bin")
                            file[11 * 3073] = 10;
                        return file;
                    }
                )
            )
        );
        Assert.Equal(
            "\"data.trainExamples\" is 50001, but CIFAR-10 has only 50,000 of these examples.",
            Refusal(() => DataSource.Load(Spec with { TrainExamples = 50_001 }, Write))
        );
    }

    private static byte[] Write(string name)
    {
        int file = name == "test_batch.bin" ? 6 : name["data_batch_".Length] - '0';
        Assert.InRange(file, 1, 6);
        var bytes = new byte[10_000 * 3073];
        for (int r = 0; r < 10_000; r++)
        {
            bytes[r * 3073] = (byte)(r % 10);
            for (int i = 0; i < 3072; i++)
                bytes[r * 3073 + 1 + i] = Pixel(file, r, i);
        }
        return bytes;
    }

    private static byte Pixel(int file, int record, int at) => (byte)(31 * file + 7 * record + 3 * at);
}
