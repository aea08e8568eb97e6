using System.Text;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Tests.Specs;

/// <summary>What is allowed and yet surprises is said before it is started.</summary>
public class PlanNotesTests
{
    private const string Pairs = """{ "kind": "pairs", "base": "moons", "trainExamples": 129 }""",
        Moons = """{ "kind": "moons", "trainExamples": 129 }""";
    private const string Towers = """{ "preset": "two-tower" }""",
        Normed = """{ "preset": "mlp-batchnorm" }""",
        Plain = """{ "hidden": [8] }""";

    [Theory]
    [InlineData(
        Moons,
        Normed,
        "logistic",
        "sgd",
        "[1, 16, 32]",
        "keep",
        "B = 1, 16 and 32 have batches of one example, for which a batch norm over one value gives β: only what stands behind it learns from them."
    )]
    [InlineData(Moons, Normed, "logistic", "sgd", "[16]", "drop", null)]
    [InlineData(Moons, Normed, "logistic", "sgd", "[17]", "keep", null)]
    [InlineData(
        Moons,
        """{ "kind": "layers", "layers": [{ "kind": "layerNorm" }, { "kind": "dense" }] }""",
        "logistic",
        "sgd",
        "[1]",
        "keep",
        null
    )]
    [InlineData(
        Pairs,
        Towers,
        "info-nce",
        "sgd",
        "[1, 10]",
        "keep",
        "B = 1 has batches of one pair, whose InfoNCE loss and gradient are 0: there is nothing to tell the pair from."
    )]
    [InlineData(
        Pairs,
        Towers,
        "sigmoid-contrastive",
        "sgd",
        "[1, 10]",
        "keep",
        "B = 1 has batches of one pair, whose loss has its one positive term alone and no negatives."
    )]
    [InlineData(
        Moons,
        Plain,
        "logistic",
        "lbfgs",
        "[8, 129]",
        "keep",
        "B = 8 searches along lines with less than all examples: it follows its batches' noise, and may be thrown about or diverge."
    )]
    [InlineData(Moons, Plain, "logistic", "conjugate-gradient", "[\"full\"]", "keep", null)]
    [InlineData(Moons, Plain, "logistic", "sgd", "[1]", "keep", null)]
    public void Batches_of_one_and_searches_on_noise(
        string data,
        string model,
        string loss,
        string optimizer,
        string batchSizes,
        string remainder,
        string? note
    )
    {
        var spec = SpecReader.Read(
            Encoding.UTF8.GetBytes(
                $$"""{ "data": {{data}}, "model": {{model}}, "loss": "{{loss}}", "optimizer": { "kind": "{{optimizer}}" }, "learningRate": 0.1, "batchSizes": {{batchSizes}}, "sampler": { "remainder": "{{remainder}}" }, "budget": { "epochs": 2 } }"""
            )
        );
        var plan = SpecResolver.Resolve(spec, DataSource.Load(spec.Data, name => throw new FileNotFoundException(name)));
        Assert.Equal(note is null ? [] : [note], PlanNotes.Of(plan));
    }

    [Fact]
    public void Images_have_more_than_one_value_a_channel()
    {
        var spec = SpecReader.Read(
            """{ "data": { "kind": "mnist" }, "model": { "preset": "resnet-small" }, "learningRate": 0.1, "batchSizes": [1], "budget": { "epochs": 2 } }"""u8.ToArray()
        );
        var images = new DataSet(
            "Images",
            DataTask.Classification,
            784,
            10,
            new DataSplit
            {
                Count = 20,
                Inputs = 784,
                Floats = new float[784 * 20],
                Labels = new int[20],
            },
            null
        )
        {
            Image = (28, 28),
        };
        Assert.Empty(PlanNotes.Of(SpecResolver.Resolve(spec, images)));
    }
}
