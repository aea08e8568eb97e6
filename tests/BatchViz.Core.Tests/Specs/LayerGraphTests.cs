using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Specs;

/// <summary>Shapes, weights and costs of models of layers, and what does not fit together.</summary>
public class LayerGraphTests
{
    /// <summary>LeCun et al. 1998 count 61,706 weights where all maps of the second convolution are connected.</summary>
    [Fact]
    public void LeNet_has_its_known_counts()
    {
        var network = Of("lenet", Images(1, 28, 28));
        Assert.Equal(61_706, network.ParameterCount);
        Assert.Equal(5, network.Layers);
        // 6·28²·5² + 16·10²·6·5² + 400·120 + 120·84 + 84·10 multiply-adds forward; twice as many back, but for the first layer's input.
        const long First = 6 * 784 * 25,
            Products = First + 16 * 100 * 150 + 400 * 120 + 120 * 84 + 84 * 10;
        Assert.Equal(2 * (3 * Products - First), network.TrainingFlopsPerExample);
        Assert.Equal(784 + 2 * 4704 + 1176 + 2 * 1600 + 400 + 400 + 2 * 120 + 2 * 84 + 10, network.ActivationsPerExample);
    }

    [Theory]
    [InlineData("mlp-batchnorm", 784 * 128 + 2 * 128 + 128 * 64 + 2 * 64 + 64 * 10 + 10)]
    [InlineData(
        "resnet-small",
        16 * 9
            + 32
            + 2 * (16 * 16 * 9 + 32)
            + 16 * 32 * 9
            + 64
            + 32 * 32 * 9
            + 64
            + 16 * 32
            + 64
            + 32 * 64 * 9
            + 128
            + 64 * 64 * 9
            + 128
            + 32 * 64
            + 128
            + 650
    )]
    [InlineData(
        "mobilenet-small",
        16 * 9 + 32 + 16 * 9 + 32 + 16 * 32 + 64 + 32 * 9 + 64 + 32 * 64 + 128 + 2 * (64 * 9 + 128 + 64 * 64 + 128) + 650
    )]
    public void Presets_have_the_weights_that_their_layers_have(string preset, long weights) =>
        Assert.Equal(weights, Of(preset, Images(1, 28, 28)).ParameterCount);

    [Fact]
    public void Every_preset_fits_images_of_several_sizes()
    {
        foreach (string preset in ModelPresets.Names.Where(name => name != "two-tower"))
        {
            foreach (var data in new[] { Images(1, 28, 28), Images(3, 32, 32) })
                Assert.True(
                    SpecResolver
                        .Resolve(Read(With(("model", $$"""{ "preset": "{{preset}}" }"""), ("loss", "\"cross-entropy\""))), data)
                        .Network.ParameterCount > 0
                );
        }
        foreach (string preset in new[] { "logistic", "mlp", "mlp-batchnorm" })
            Of(preset, Vectors(2));
        var pairs = Vectors(8) with { Views = 2 };
        var towers = SpecResolver
            .Resolve(Read(With(("model", """{ "preset": "two-tower" }"""), ("loss", "\"sigmoid-contrastive\""))), pairs)
            .Network;
        Assert.Equal(2 * (4 * 128 + 128 + 128 * 32 + 32) + 2, towers.ParameterCount);
        Assert.Equal([4, 32], towers.Sizes);
    }

    [Theory]
    [InlineData(
        """[{ "kind": "conv2d", "filters": 2, "kernel": 9 }, { "kind": "flatten" }, { "kind": "dense" }]""",
        "\"model.layers[0].kernel\" is 9, larger than the image [2, 5, 5] with its padding."
    )]
    [InlineData(
        """[{ "kind": "dense" }]""",
        "\"model.layers[0]\" is \"dense\", which reads a vector, but gets the image [2, 5, 5]; put a \"flatten\" before it."
    )]
    [InlineData(
        """[{ "kind": "flatten" }, { "kind": "conv2d", "filters": 2, "kernel": 1 }, { "kind": "dense" }]""",
        "\"model.layers[1]\" reads an image, but gets the vector [50]; the data must be images, and no layer before it may make vectors of them."
    )]
    [InlineData(
        """[{ "kind": "conv2d", "filters": 3, "kernel": 3, "groups": 2 }, { "kind": "flatten" }, { "kind": "dense" }]""",
        "\"model.layers[0].groups\" is 2, which must divide the 2 channels and the 3 filters."
    )]
    [InlineData(
        """[{ "kind": "groupNorm", "groups": 3 }, { "kind": "flatten" }, { "kind": "dense" }]""",
        "\"model.layers[0].groups\" is 3, which must divide the 2 channels."
    )]
    [InlineData(
        """[{ "kind": "flatten" }, { "kind": "dense", "units": 4 }]""",
        "\"model.layers\" ends with [4], but this data and loss need [3]; let it end with a layer \"dense\" without \"units\"."
    )]
    [InlineData(
        """[{ "kind": "residual", "layers": [{ "kind": "conv2d", "filters": 4, "kernel": 1 }] }, { "kind": "flatten" }, { "kind": "dense" }]""",
        "\"model.layers[0]\" adds [4, 5, 5] to its input [2, 5, 5]; give a \"projection\" that makes the shapes equal."
    )]
    [InlineData(
        """[{ "kind": "residual", "layers": [{ "kind": "conv2d", "filters": 4, "kernel": 1 }], "projection": [{ "kind": "maxPool", "kernel": 2 }] }, { "kind": "flatten" }, { "kind": "dense" }]""",
        "\"model.layers[0]\" adds [4, 5, 5] to its projection [2, 2, 2]; the shapes must be equal."
    )]
    [InlineData(
        """[{ "kind": "flatten" }, { "kind": "dense", "units": 16384 }, { "kind": "dense", "units": 16384 }, { "kind": "dense" }]""",
        "\"model.layers\" makes more than 50,000,000 weights, which is the most allowed."
    )]
    [InlineData(
        """[{ "kind": "conv2d", "filters": 1, "kernel": 64, "padding": 63 }, { "kind": "conv2d", "filters": 1, "kernel": 64, "padding": 63 }, { "kind": "conv2d", "filters": 1, "kernel": 64, "padding": 63 }, { "kind": "conv2d", "filters": 2000, "kernel": 1 }]""",
        "\"model.layers[3]\" makes 75,272,000 values of an example; at most 50,000,000 are allowed."
    )]
    [InlineData(
        """[{ "kind": "flatten" }, { "kind": "residual", "layers": [{ "kind": "dense" }] }, { "kind": "dense" }]""",
        "\"model.layers[1].layers[0].units\" is missing; only the last layer of a model may leave it out, and only with a loss that needs a certain number of outputs."
    )]
    [InlineData(
        """[{ "kind": "flatten" }, { "kind": "dense" }, { "kind": "dense" }]""",
        "\"model.layers[1].units\" is missing; only the last layer of a model may leave it out, and only with a loss that needs a certain number of outputs."
    )]
    public void What_does_not_fit_is_refused_with_its_layer(string layers, string sentence) =>
        Assert.Equal(
            sentence,
            Refusal(() =>
                SpecResolver.Resolve(
                    Read(With(("model", $$"""{ "kind": "layers", "layers": {{layers}} }"""), ("loss", "\"cross-entropy\""))),
                    Images(2, 5, 5)
                )
            )
        );

    [Fact]
    public void Convolutions_need_images() =>
        Assert.Equal(
            "\"model.layers[0]\" reads an image, but gets the vector [2]; the data must be images, and no layer before it may make vectors of them.",
            Refusal(() => Of("lenet", Vectors(2)))
        );

    [Fact]
    public void A_contrastive_loss_needs_paired_data_and_any_other_sees_both_views_side_by_side()
    {
        Assert.Contains(
            "compares two views of every example",
            Refusal(() =>
                SpecResolver.Resolve(Read(With(("model", """{ "preset": "two-tower" }"""), ("loss", "\"info-nce\""))), Vectors(8))
            )
        );
        Assert.Equal(8, Of("mlp", Vectors(8) with { Views = 2 }).Sizes[0]);
        Assert.Equal(new TensorShape(2, 28, 28), Of("lenet", Images(2, 28, 28) with { Views = 2 }).Image);
    }

    private static NetworkSpec Of(string preset, DataSet data) =>
        SpecResolver.Resolve(Read(With(("model", $$"""{ "preset": "{{preset}}" }"""), ("loss", "\"cross-entropy\""))), data).Network;

    private static DataSet Images(int channels, int rows, int columns)
    {
        int classes = rows == 5 ? 3 : 10,
            size = channels * rows * columns;
        return new DataSet(
            "images",
            DataTask.Classification,
            size,
            classes,
            new DataSplit
            {
                Count = 40,
                Inputs = size,
                Floats = new float[40 * size],
                Labels = new int[40],
            },
            null
        )
        {
            Image = (rows, columns),
        };
    }

    private static DataSet Vectors(int inputs) =>
        new(
            "vectors",
            DataTask.Classification,
            inputs,
            2,
            new DataSplit
            {
                Count = 40,
                Inputs = inputs,
                Floats = new float[40 * inputs],
                Labels = new int[40],
            },
            null
        );
}
