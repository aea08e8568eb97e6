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
        Assert.Equal(
            SpecWriter.Write(Read(With())).ToJsonString(),
            SpecWriter.Write(Read(With(("model", "null"), ("seeds", "null"), ("loss", "null")))).ToJsonString()
        );

    [Fact]
    public void A_byte_order_mark_is_allowed() =>
        Assert.Equal("Moons", SpecReader.Read((byte[])[0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(With())]).Name);

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
        Assert.Equal(
            7,
            Read(With(("batchSizes", "[\"full\"]"), ("learningRate", "{ \"full\": 7 }"))).LearningRate.For(BatchSize.Full, 500)
        );
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

    /// <summary>The defaults of torch.optim, which differ by optimiser.</summary>
    [Theory]
    [InlineData("adam", 0.9, 0.999, 0, 1e-8, 0)]
    [InlineData("adagrad", 0, 0, 0, 1e-10, 0)]
    [InlineData("adadelta", 0, 0, 0.9, 1e-6, 0)]
    [InlineData("rmsprop", 0, 0, 0.99, 1e-8, 0)]
    [InlineData("adamw", 0.9, 0.999, 0, 1e-8, 0.01)]
    public void Optimisers_have_the_defaults_of_PyTorch(string word, double beta1, double beta2, double rho, double epsilon, double decay)
    {
        var spec = Read(With(("optimizer", $"{{ \"kind\": \"{word}\" }}"))).Optimizer;
        if (spec.HasBetas)
            Assert.Equal((beta1, beta2), (spec.Beta1, spec.Beta2));
        if (spec.HasRho)
            Assert.Equal(rho, spec.Rho);
        Assert.Equal((beta1 > 0, rho > 0, true, false), (spec.HasBetas, spec.HasRho, spec.HasEpsilon, spec.HasMomentum));
        Assert.Equal((epsilon, decay), (spec.Epsilon, spec.WeightDecay));
    }

    [Fact]
    public void Schedules_are_read_with_their_defaults()
    {
        var spec = Read(
            With(
                ("schedule", """{ "kind": "step", "everyEpochs": 30, "warmup": { "epochs": 5 } }"""),
                ("batchSchedule", """{ "everyEpochs": 2 }"""),
                ("microBatch", "64")
            )
        );
        Assert.Equal(
            new ScheduleSpec
            {
                Kind = ScheduleKind.Step,
                Factor = 0.1,
                EveryEpochs = 30,
                Warmup = new(WarmupKind.Gradual, 5, 0.1),
            },
            spec.Schedule
        );
        Assert.Equal(new BatchScheduleSpec(2, 2), spec.BatchSchedule);
        Assert.Equal(64, spec.MicroBatch);
        Assert.Equal((new ScheduleSpec(), null, null), (Read(With()).Schedule, Read(With()).BatchSchedule, Read(With()).MicroBatch));
    }

    [Fact]
    public void Every_word_has_one_meaning_and_every_meaning_one_word()
    {
        OneToOne(SpecVocabulary.Data);
        OneToOne(SpecVocabulary.Models);
        OneToOne(SpecVocabulary.Activations);
        OneToOne(SpecVocabulary.Initializers);
        OneToOne(SpecVocabulary.Losses);
        OneToOne(SpecVocabulary.Optimizers);
        OneToOne(SpecVocabulary.Schedules);
        OneToOne(SpecVocabulary.Warmups);
        OneToOne(SpecVocabulary.Orders);
        OneToOne(SpecVocabulary.Remainders);
        OneToOne(SpecVocabulary.Paces);
        OneToOne(SpecVocabulary.Planes);
        OneToOne(SpecVocabulary.Probes);
        OneToOne(SpecVocabulary.Precisions);
        Assert.Equal(Enum.GetValues<LearningRateRule>().Except([LearningRateRule.Tuned]), SpecVocabulary.Rules.Select(w => w.Value));

        static void OneToOne<T>(IReadOnlyList<(string Word, T Value)> words)
            where T : struct, Enum
        {
            Assert.Equal(Enum.GetValues<T>().Order(), words.Select(w => w.Value).Order());
            Assert.Equal(words.Count, words.Select(w => w.Word).Distinct().Count());
            Assert.All(words, w => Assert.Equal(w.Word, SpecVocabulary.Of(words, w.Value)));
        }
    }
}
