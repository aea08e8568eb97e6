using System.Text.Json;
using System.Text.Json.Nodes;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using BatchViz.Core.Tests.House;
using FsCheck;
using FsCheck.Fluent;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Sampling;

public class LearningRatesTests
{
    /// <summary>tests/fixtures/make_schedules.py: torch.optim.lr_scheduler, epoch by epoch.</summary>
    private static readonly JsonObject Fixture = JsonNode.Parse(Repository.Read("tests/fixtures/schedules.json"))!.AsObject();

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Fixture["cases"]!.AsArray().Count)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rates_are_those_of_PyTorch(int index)
    {
        var at = Fixture["cases"]![index]!;
        var schedule = Read(With(("schedule", at["schedule"]!.ToJsonString()), ("budget", "{ \"epochs\": 40 }"))).Schedule;
        double rate = Fixture["rate"]!.GetValue<double>();
        double[] expected = at["rates"].Deserialize<double[]>()!;
        Assert.Equal(41, expected.Length);
        var progress = new TrainingProgress(RemainderPolicy.Keep, 10, 4);
        var rates = new LearningRates(rate, schedule, progress);
        for (int epoch = 0; epoch < expected.Length; epoch++)
            Assert.Equal(expected[epoch], rates.At(3 * epoch + 1), 1e-12);
    }

    [Fact]
    public void Within_an_epoch_gradual_changes_go_on_and_steps_stand()
    {
        var progress = new TrainingProgress(RemainderPolicy.Keep, 100, 10);
        var gradual = new LearningRates(2, new ScheduleSpec { Warmup = new(WarmupKind.Gradual, 0.5, 0.2) }, progress);
        Assert.Equal([0.4, 0.72, 1.04, 1.36, 1.68, 2, 2], Enumerable.Range(1, 7).Select(u => Math.Round(gradual.At(u), 12)));
        var step = new LearningRates(
            2,
            new ScheduleSpec
            {
                Kind = ScheduleKind.Step,
                Factor = 0.5,
                EveryEpochs = 1,
            },
            progress
        );
        Assert.Equal([2, 2, 1, 1, 0.5], new[] { 1, 10, 11, 20, 21 }.Select(u => step.At(u)));
        var cosine = new LearningRates(
            2,
            new ScheduleSpec
            {
                Kind = ScheduleKind.Cosine,
                Epochs = 2,
                Floor = 0.5,
            },
            progress
        );
        Assert.Equal([2, 1.5, 1, 1], new[] { 1, 11, 21, 500 }.Select(u => cosine.At(u)));
        Assert.Equal(1.5 + 0.5 * Math.Cos(Math.PI * 0.35), cosine.At(8), 1e-15);
    }

    /// <summary>
    /// The schedule looks at the progress alone: at the same epoch all batch sizes, growing or not, have the same share of their rate.
    /// </summary>
    [Fact]
    public void At_equal_progress_every_batch_size_has_the_same_share_of_its_rate()
    {
        ScheduleSpec[] schedules =
        [
            new()
            {
                Kind = ScheduleKind.Step,
                Factor = 0.3,
                EveryEpochs = 2,
            },
            new()
            {
                Kind = ScheduleKind.Cosine,
                Epochs = 7.5,
                Floor = 0.1,
                Warmup = new(WarmupKind.Gradual, 1.5),
            },
            new() { Warmup = new(WarmupKind.Constant, 3, 0.5) },
        ];
        Prop.ForAll(
                Growing.Any,
                run =>
                {
                    foreach (var schedule in schedules)
                    {
                        var progress = run.Progress;
                        LearningRates rates = new(3, schedule, progress),
                            one = new(1, schedule, new TrainingProgress(RemainderPolicy.Keep, run.TrainExamples, run.TrainExamples));
                        for (int epoch = 1; epoch < 9; epoch++)
                        {
                            if (run.Remainder == RemainderPolicy.Carry && (long)epoch * run.TrainExamples % run.BatchSize != 0)
                                continue;
                            Assert.Equal(3 * one.At(epoch + 1), rates.At(progress.UpdatesInEpochs(epoch) + 1));
                        }
                    }
                }
            )
            .Check(Config.QuickThrowOnFailure);
    }

    [Fact]
    public void Without_a_schedule_the_rate_is_the_run_s_own_to_the_bit() =>
        Assert.All(
            [1, 2, 1000],
            u => Assert.Equal(0.1, new LearningRates(0.1, new(), new TrainingProgress(RemainderPolicy.Keep, 7, 3)).At(u))
        );
}
