using System.Text;
using System.Text.Json;
using BatchViz.Core.Specs;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Specs;

public class SpecReaderTests
{
    [Fact]
    public void What_is_left_out_has_its_default()
    {
        var spec = Read(With());
        Assert.Equal("Moons", spec.Name);
        Assert.Equal(LossKind.Logistic, spec.Loss);
        Assert.Equal([1u], spec.Seeds);
        Assert.Equal(Activation.Relu, spec.Model.Activation);
        Assert.Empty(spec.Model.Hidden);
        Assert.Equal(OptimizerKind.Sgd, spec.Optimizer.Kind);
        Assert.Equal(RemainderPolicy.Keep, spec.Sampler.Remainder);
        Assert.Equal(1024, spec.Landscape.EvaluationExamples);
        Assert.Equal(PlaneKind.Auto, spec.Landscape.Plane);
    }

    [Fact]
    public void Null_is_the_same_as_left_out() =>
        Assert.Equal(SpecWriter.Write(Read(With())).ToJsonString(), SpecWriter.Write(Read(With(("model", "null"), ("seeds", "null"), ("loss", "null")))).ToJsonString());

    [Fact]
    public void A_byte_order_mark_is_allowed() => Assert.Equal("Moons", SpecReader.Read((byte[])[0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(With())]).Name);

    [Fact]
    public void Whole_numbers_may_be_written_as_JSON_writes_them()
    {
        var spec = Read(With(("batchSizes", "[1.0, 3.2e1]"), ("budget", "{ \"updates\": 1e3 }")));
        Assert.Equal([new BatchSize(1), new BatchSize(32)], spec.BatchSizes);
        Assert.Equal(1000, spec.Budget.Updates);
    }

    [Fact]
    public void The_scaling_rules_are_those_of_the_literature()
    {
        var rate = new LearningRateSpec { Rate = 0.1, ReferenceBatchSize = 32 };
        Assert.Equal(0.1, rate.For(new BatchSize(128), 500), 12);
        Assert.Equal(0.4, (rate with { Rule = LearningRateRule.Linear }).For(new BatchSize(128), 500), 12);
        Assert.Equal(0.2, (rate with { Rule = LearningRateRule.SquareRoot }).For(new BatchSize(128), 500), 12);
        Assert.Equal(0.1 * 500 / 32, (rate with { Rule = LearningRateRule.Linear }).For(BatchSize.Full, 500), 12);
        Assert.Equal(7, Read(With(("batchSizes", "[\"full\"]"), ("learningRate", "{ \"full\": 7 }"))).LearningRate.For(BatchSize.Full, 500));
    }

    [Fact]
    public void Every_spec_that_is_written_reads_back_the_same()
    {
        var random = new Random(1);
        for (int i = 0; i < 800; i++)
        {
            var spec = RandomSpecs.Next(random);
            string text = SpecWriter.Write(spec).ToJsonString();
            Assert.Equal(JsonSerializer.Serialize(spec), JsonSerializer.Serialize(Read(text)));
        }
    }

    [Fact]
    public void Every_word_has_one_meaning_and_every_meaning_one_word()
    {
        OneToOne(Words.Data);
        OneToOne(Words.Models);
        OneToOne(Words.Activations);
        OneToOne(Words.Initializers);
        OneToOne(Words.Losses);
        OneToOne(Words.Optimizers);
        OneToOne(Words.Orders);
        OneToOne(Words.Remainders);
        OneToOne(Words.Paces);
        OneToOne(Words.Planes);
        Assert.Equal(Enum.GetValues<LearningRateRule>().Except([LearningRateRule.Tuned]), Words.Rules.Select(w => w.Value));

        static void OneToOne<T>(IReadOnlyList<(string Word, T Value)> words) where T : struct, Enum
        {
            Assert.Equal(Enum.GetValues<T>().Order(), words.Select(w => w.Value).Order());
            Assert.Equal(words.Count, words.Select(w => w.Word).Distinct().Count());
            Assert.All(words, w => Assert.Equal(w.Word, Words.Of(words, w.Value)));
        }
    }
}
