using System.Buffers.Binary;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Data;

public class IdxTests
{
    private static readonly byte[] Images = Make([3, 2, 2], 12),
        Labels = Make([3], 3);

    [Fact]
    public void Images_and_labels_are_read_as_they_stand()
    {
        var set = Load(Images, Labels);
        Assert.Equal((3, 4, 3), (set.Train.Count, set.Inputs, set.Outputs));
        Assert.Equal([0, 1, 2], set.Train.Labels!);
        var features = new float[4];
        set.Train.CopyFeatures(2, features);
        Assert.Equal([8f / 255, 9f / 255, 10f / 255, 11f / 255], features);
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused_and_named()
    {
        for (int length = 0; length < Images.Length; length++)
        {
            string sentence = Refusal(() => Load(Images[..length], Labels));
            Assert.StartsWith("\"images\" is ", sentence);
            Assert.Contains(
                length < 4 ? $"has only {length} bytes"
                    : length < 16 ? $"its header needs 16 bytes, it has {length}"
                    : "promises 3 examples of 4 bytes",
                sentence
            );
        }
    }

    [Fact]
    public void A_file_that_is_too_long_is_refused() =>
        Assert.Equal("\"images\" has 2 bytes more than its header promises.", Refusal(() => Load([.. Images, 0, 0], Labels)));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0x1F)]
    [InlineData(2, 9)]
    [InlineData(3, 0)]
    [InlineData(3, 5)]
    public void Another_magic_number_is_refused(int at, byte value)
    {
        byte[] wrong = (byte[])Images.Clone();
        wrong[at] = value;
        Assert.StartsWith("\"images\" is no IDX file of bytes: its magic number is ", Refusal(() => Load(wrong, Labels)));
    }

    [Fact]
    public void Sizes_that_no_memory_holds_are_refused_before_any_is_taken()
    {
        byte[] huge = (byte[])Images.Clone();
        huge.AsSpan(4, 12).Fill(0xFF);
        Assert.Equal("\"images\" has examples of more than 1,048,576 values, or of none.", Refusal(() => Load(huge, Labels)));
        byte[] many = (byte[])Images.Clone();
        many.AsSpan(4, 4).Fill(0xFF);
        Assert.Contains("promises 4,294,967,295 examples", Refusal(() => Load(many, Labels)));
        Assert.Equal("\"images\" has examples of more than 1,048,576 values, or of none.", Refusal(() => Load(Make([3, 0, 2], 0), Labels)));
    }

    [Fact]
    public void Pairs_that_do_not_match_are_refused()
    {
        Assert.Equal("\"images\" has 3 examples, but \"labels\" has 4.", Refusal(() => Load(Images, Make([4], 4))));
        Assert.Equal("\"labels\" is no list of labels: it has 4 values an example.", Refusal(() => Load(Images, Images)));
        Assert.Equal("\"images\" has no examples.", Refusal(() => Load(Make([0, 2, 2], 0), Make([0], 0))));
        Assert.Equal("\"data.trainExamples\" is 4, but \"images\" has only 3 examples.", Refusal(() => Load(Images, Labels, take: 4)));
        Assert.Equal(
            "\"images2\" has 1 values an example, but \"images\" has 4.",
            Refusal(() => Load(Images, Labels, test: (Labels, Labels)))
        );
    }

    [Fact]
    public void Taking_a_few_examples_leaves_the_number_of_classes_alone() => Assert.Equal(3, Load(Images, Labels, take: 1).Outputs);

    private static DataSet Load(byte[] images, byte[] labels, int? take = null, (byte[] Images, byte[] Labels)? test = null) =>
        DataSource.Load(
            new DataSpec
            {
                Kind = DataKind.Idx,
                TrainExamples = take,
                TrainImages = "images",
                TrainLabels = "labels",
                TestImages = test is null ? null : "images2",
                TestLabels = test is null ? null : "labels2",
            },
            name =>
                name switch
                {
                    "images" => images,
                    "labels" => labels,
                    "images2" => test!.Value.Images,
                    _ => test!.Value.Labels,
                }
        );

    private static byte[] Make(int[] sizes, int values)
    {
        var file = new byte[4 + 4 * sizes.Length + values];
        (file[2], file[3]) = (8, (byte)sizes.Length);
        for (int d = 0; d < sizes.Length; d++)
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + 4 * d), sizes[d]);
        for (int i = 0; i < values; i++)
            file[4 + 4 * sizes.Length + i] = (byte)i;
        return file;
    }
}
