using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Specs;

/// <summary>Forks of b32-s1 (Moons, 500 training examples, two epochs: 32 updates) and of b100-s1 (10 updates).</summary>
public class ForkResolverTests
{
    private static readonly ExperimentPlan Plan = Resolve(
        With(
            ("batchSizes", "[32, 100]"),
            ("optimizer", """{ "kind": "momentum", "momentum": 0.8, "weightDecay": 0.01 }"""),
            ("schedule", """{ "kind": "cosine" }""")
        )
    );

    [Theory]
    [InlineData("batchSize", "0", "\"batchSize\" is 0; a batch size is a whole number from 1 up, or \"full\".")]
    [InlineData("batchSize", "all", "\"batchSize\" is \"all\"; a batch size is a whole number from 1 up, or \"full\".")]
    [InlineData("batchSize", "501", "\"batchSize\" is 501, but Moons has only 500 training examples.")]
    [InlineData("learningRate", "0", "\"learningRate\" is 0; it must be a number above 0, at most 1,000.")]
    [InlineData("learningRate", "NaN", "\"learningRate\" is \"NaN\"; it must be a number above 0, at most 1,000.")]
    [InlineData(
        "learningRate",
        "1e-46",
        "\"learningRate\" is 1e-46, of which float32, in which networks train, makes 0; the smallest number there is 1.4e-45."
    )]
    [InlineData("learningRate", "1e400", "\"learningRate\" is 1e400; it must be a number above 0, at most 1,000.")]
    [InlineData("learningRate", "", "\"learningRate\" is \"\"; it must be a number above 0, at most 1,000.")]
    [InlineData(
        "optimizer",
        "sgdd",
        "\"optimizer.kind\" is \"sgdd\"; it must be one of \"sgd\", \"momentum\", \"nesterov\", \"adam\", \"adagrad\", \"adadelta\", \"rmsprop\", \"adamw\", \"lars\", \"lbfgs\", \"conjugate-gradient\"."
    )]
    [InlineData("optimizer.momentum", "1", "\"optimizer.momentum\" is 1; it must be a number from 0 to 0.9999.")]
    [InlineData("optimizer.beta1", "0.9", "\"optimizer.beta1\" is not a key of \"optimizer\"; known here are kind, weightDecay, momentum.")]
    [InlineData(
        "optimizer",
        "lbfgs",
        "\"optimizer.kind\" is \"lbfgs\", whose costs this recording has no columns for; begin an experiment with it, or fork one that did."
    )]
    [InlineData("schedule.kind", "step", "\"schedule.kind\" is \"step\"; it must be one of \"constant\".")]
    [InlineData("budget.updates", "0", "\"budget.updates\" is 0; it must be a whole number from 1 to 100,000,000.")]
    [InlineData("budget.updates", "20", "\"budget.updates\" is 20, which ends with update 20; a fork after update 20 needs more.")]
    [InlineData("budget.epochs", "1.25", "\"budget.epochs\" is 1.25, which ends with update 20; a fork after update 20 needs more.")]
    [InlineData("budget.examples", "400", "\"budget.examples\" is 400, which ends with update 12; a fork after update 20 needs more.")]
    [InlineData("budget.seconds", "5", "\"budget.seconds\"" + Known)]
    [InlineData("batchsize", "5", "\"batchsize\"" + Known)]
    [InlineData("optimizer.kind.x", "5", "\"optimizer.kind.x\"" + Known)]
    [InlineData("", "5", "\"\"" + Known)]
    public void A_setting_that_cannot_be_is_refused_with_its_key(string key, string value, string sentence) =>
        Assert.Equal(sentence, Refusal(() => Fork(20, (key, value))));

    private const string Known =
        " is not a key of a fork; known are batchSize, learningRate, optimizer, optimizer.kind, optimizer.momentum, "
        + "optimizer.trust, optimizer.beta1, optimizer.beta2, optimizer.rho, optimizer.epsilon, optimizer.lineSearch, optimizer.trials, optimizer.weightDecay, schedule.kind, budget.epochs, budget.updates, budget.examples.";

    [Fact]
    public void What_does_not_go_together_is_refused()
    {
        Assert.Equal("\"update\" is -1; it must be a whole number from 0 to 100,000,000.", Refusal(() => Fork(-1)));
        Assert.Equal(
            "\"update\" is 19; it must be a whole number from 20 to 100,000,000.",
            Refusal(() => ForkResolver.Resolve(Plan, Fork(20), 19, new Dictionary<string, string>(), 9))
        );
        Assert.Equal(
            "\"learningRate\" is \"\\uFFFD\"; it must be a number above 0, at most 1,000.",
            Refusal(() => Fork(1, ("learningRate", "\ud800")))
        );
        Assert.Equal(
            "\"optimizer\" and \"optimizer.kind\" are the same key; give one of them.",
            Refusal(() => Fork(1, ("optimizer", "sgd"), ("optimizer.kind", "adam")))
        );
        Assert.Equal(
            "\"budget\" must have exactly one of epochs, updates, examples and seconds.",
            Refusal(() => Fork(1, ("budget.updates", "90"), ("budget.epochs", "3")))
        );
        Assert.Equal("\"budget.epochs\" is 2, which ends with update 32; a fork after update 32 needs more.", Refusal(() => Fork(32)));
        Assert.Equal(
            "\"budget.examples\" is 400, less than one batch of 500.",
            Refusal(() => Fork(0, ("budget.examples", "400"), ("batchSize", "full")))
        );
        Assert.Equal(
            "\"budget\" makes 500,000,000 updates at batch size 1; at most 100,000,000 are kept.",
            Refusal(() => Fork(0, ("budget.epochs", "1e6"), ("batchSize", "1")))
        );
    }

    [Fact]
    public void Without_settings_a_fork_is_its_parent_in_everything_but_its_name()
    {
        var (parent, fork) = (Plan.Runs[0], Fork(20));
        Assert.Equal(parent with { Index = 9, Id = "b32-s1-u20", Fork = fork.Fork }, fork);
        Assert.Equal(("b32-s1", 20L, 0), (fork.Fork!.Parent, fork.Fork.Update, fork.Fork.Set.Count));
        var (before, bundle) = (Plan.BundleOf([parent]), Plan.BundleOf([fork]));
        Assert.Null(before.Continuation);
        Assert.Equal(new Continuation(parent.Progress, 0), bundle.Continuation);
        Assert.Equal(before with { Seeds = bundle.Seeds, Continuation = bundle.Continuation }, bundle);
    }

    [Fact]
    public void Settings_are_those_of_the_bundle()
    {
        var fork = Fork(
            20,
            ("batchSize", "100"),
            ("learningRate", "2.5e-1"),
            ("schedule.kind", "constant"),
            ("optimizer.momentum", "0.5"),
            ("budget.epochs", "4")
        );
        Assert.Equal(
            (100, 0.25, new ScheduleSpec(), Plan.Spec.Optimizer with { Momentum = 0.5 }),
            (fork.BatchSize, fork.LearningRate, fork.Schedule, fork.Optimizer)
        );
        var bundle = Plan.BundleOf([fork]);
        Assert.Equal(
            (100, 0.25, fork.Schedule, fork.Optimizer),
            (bundle.BatchSize, bundle.LearningRate, bundle.Schedule, bundle.Optimizer)
        );
        // 20 updates have made 1 + 4/16 epochs, 628 examples; what is left of the second one is left out.
        var progress = bundle.ProgressOver(500);
        Assert.Equal((628, 728, 2L), (progress.ExamplesAfter(20), progress.ExamplesAfter(21), progress.EpochOf(21)));
        Assert.Equal(20 + Math.Round((4 - 628 / 500.0) * 5), fork.TotalUpdates!.Value);
        Assert.Equal(progress.ExamplesAfter(25), bundle.SamplerOf(0, 500).Progress.ExamplesAfter(25));
        Assert.Throws<ArgumentException>(() => Plan.BundleOf([fork, Plan.Runs[1]]));
    }

    [Fact]
    public void The_rate_is_another_and_its_schedule_goes_on()
    {
        var fork = Fork(20, ("learningRate", "0.4"));
        var (before, after) = (Rates(Plan.Runs[0]), Rates(fork));
        for (long update = 21; update <= 32; update++)
            Assert.Equal(4 * before.At(update), after.At(update), 1e-12);

        static Core.Sampling.LearningRates Rates(RunPlan run) => Plan.BundleOf([run]).LearningRatesOver(run.Progress);
    }

    [Fact]
    public void Another_optimiser_begins_anew_and_its_forks_keep_its_age()
    {
        var adam = Fork(20, ("optimizer", "adam"), ("optimizer.beta2", "0.99"));
        Assert.Equal(
            new OptimizerSpec
            {
                Kind = OptimizerKind.Adam,
                Beta1 = 0.9,
                Beta2 = 0.99,
                Epsilon = 1e-8,
                WeightDecay = 0.01,
            },
            adam.Optimizer
        );
        Assert.Equal(0.01, Fork(20, ("optimizer.kind", "adamw")).Optimizer.WeightDecay);
        Assert.Equal(0.8, Fork(20, ("optimizer.weightDecay", "0")).Optimizer.Momentum);
        Assert.Equal(20, adam.OptimizerFrom);
        var later = ForkResolver.Resolve(
            Plan,
            adam,
            25,
            new Dictionary<string, string> { ["optimizer.beta1"] = "0.5", ["optimizer"] = "adam" },
            10
        );
        Assert.Equal((20L, 0.5, 0.99, "b32-s1-u20-u25"), (later.OptimizerFrom, later.Optimizer.Beta1, later.Optimizer.Beta2, later.Id));
        Assert.Equal(new Continuation(later.Progress, 20), Plan.BundleOf([later]).Continuation);

        var keyframe = new Keyframe(
            20,
            [1, 2],
            [
                [3, 4],
            ],
            [5, 6, 7]
        );
        var begun = ForkResolver.Begin(keyframe, adam);
        Assert.Equal([new float[2], new float[2]], begun.OptimizerState);
        Assert.Equal((20, keyframe.Weights, keyframe.Statistics), (begun.Updates, begun.Weights, begun.Statistics));
        Assert.Same(keyframe, ForkResolver.Begin(keyframe, Fork(20, ("batchSize", "1"))));
        Assert.Throws<ArgumentException>(() => ForkResolver.Begin(keyframe, Fork(19)));
        Assert.Throws<ArgumentException>(() => ForkResolver.Begin(keyframe, Plan.Runs[0]));
    }

    [Fact]
    public void A_batch_size_ends_the_growth_and_nothing_else_does()
    {
        var plan = Resolve(With(("batchSizes", "[100]"), ("batchSchedule", "{ \"everyEpochs\": 1 }"), ("budget", "{ \"epochs\": 4 }")));
        var run = plan.Runs[0];
        Assert.Equal((200, 5 + 3 + 2 + 1), Of());
        Assert.Equal((200, 5 + 3 * 3), Of(("batchSize", "200")));
        Assert.Equal((100, 5 + 1 + Math.Round(5 * (4 - 1.4))), Of(("batchSize", "100")));

        (int, double) Of(params (string Key, string Value)[] set)
        {
            var fork = ForkResolver.Resolve(plan, run, 6, set.ToDictionary(s => s.Key, s => s.Value), 1);
            return (fork.BatchSize, fork.TotalUpdates!.Value);
        }
    }

    [Fact]
    public void A_budget_in_seconds_has_no_last_update_until_another_is_set()
    {
        var plan = Resolve(With(("budget", "{ \"seconds\": 5 }")));
        Assert.Null(ForkResolver.Resolve(plan, plan.Runs[0], 10, new Dictionary<string, string>(), 2).TotalUpdates);
        var fork = ForkResolver.Resolve(plan, plan.Runs[0], 10, new Dictionary<string, string> { ["budget.updates"] = "40" }, 2);
        Assert.Equal((40L, new BudgetSpec { Updates = 40 }), (fork.TotalUpdates, fork.Budget));
        Assert.Equal(fork.Budget, ForkResolver.Resolve(plan, fork, 12, new Dictionary<string, string>(), 3).Budget);
    }

    [Fact]
    public void Every_fork_has_a_name_of_its_own_that_a_file_can_have()
    {
        var plan = Plan;
        var run = plan.Runs[0];
        for (int i = 0; i < 3; i++)
            plan = plan with
            {
                Runs = [.. plan.Runs, ForkResolver.Resolve(plan, run, 20, new Dictionary<string, string>(), plan.Runs.Count)],
            };
        for (int i = 0; i < 40; i++)
        {
            run = ForkResolver.Resolve(plan, run, 20, new Dictionary<string, string>(), plan.Runs.Count);
            plan = plan with { Runs = [.. plan.Runs, run] };
        }
        Assert.Equal(
            ["b32-s1", "b100-s1", "b32-s1-u20", "b32-s1-u20-2", "b32-s1-u20-3", "b32-s1-u20-4", "b32-s1-u20-4-u20"],
            plan.Runs.Take(7).Select(r => r.Id)
        );
        Assert.Equal(plan.Runs.Count, plan.Runs.Select(r => r.Id).Distinct().Count());
        Assert.All(plan.Runs, r => Assert.Matches("^[a-z0-9-]{1,100}$", r.Id));
    }

    private static RunPlan Fork(long update, params (string Key, string Value)[] set) =>
        ForkResolver.Resolve(Plan, Plan.Runs[0], update, set.ToDictionary(s => s.Key, s => s.Value), 9);

    private static ExperimentPlan Resolve(string text)
    {
        var spec = Read(text);
        return SpecResolver.Resolve(spec, DataSource.Load(spec.Data, name => throw new FileNotFoundException(name)));
    }
}
