using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Specs;

public class SpecResolverTests
{
    [Theory]
    [InlineData("batchSizes", "[501]", "\"batchSizes[0]\" is 501, but Moons has only 500 training examples.")]
    [InlineData("batchSizes", "[500, \"full\"]", "\"batchSizes[1]\" is \"full\", which is 500 examples here and is already in the list.")]
    [InlineData("batchSizes", "[\"full\", 500]", "\"batchSizes[1]\" is 500, which is \"full\" here and is already in the list.")]
    [InlineData("model", "{ \"hidden\": [16384, 16384] }", "\"model.hidden\" makes 268,517,377 weights; at most 50,000,000 are allowed.")]
    [InlineData(
        "model",
        "{ \"start\": [0, 0], \"hidden\": [8] }",
        "\"model.start\" applies only to models of two weights; this one has 33."
    )]
    [InlineData(
        "landscape",
        "{ \"plane\": \"weights\" }",
        "\"landscape.plane\" is \"weights\", which needs a model of exactly two weights; this one has 3."
    )]
    [InlineData("landscape", "{ \"plane\": \"runs\" }", "\"landscape.plane\" is \"runs\", which needs three runs; this experiment has 2.")]
    [InlineData("budget", "{ \"examples\": 31 }", "\"budget.examples\" is 31, less than one batch of 32.")]
    [InlineData("budget", "{ \"epochs\": 1000000 }", "\"budget\" makes 500,000,000 updates at batch size 1; at most 100,000,000 are kept.")]
    public void What_does_not_fit_the_data_is_refused_with_its_key(string key, string json, string sentence) =>
        Assert.Equal(sentence, Refusal(() => Resolve(With((key, json)))));

    [Theory]
    [InlineData("pca")]
    [InlineData("random")]
    [InlineData("hessian")]
    public void A_slice_of_a_landscape_that_is_shown_whole_is_refused(string plane) =>
        Assert.Equal(
            $"\"landscape.plane\" is \"{plane}\", but this model has two weights, whose landscape is shown exactly; it must be \"auto\" or \"weights\".",
            Refusal(() => Resolve(With(("data", """{ "kind": "line" }"""), ("landscape", $$"""{ "plane": "{{plane}}" }"""))))
        );

    [Fact]
    public void A_loss_that_does_not_fit_the_data_is_refused()
    {
        string line = """{ "kind": "line" }""";
        Assert.Equal(
            "\"loss\" is \"logistic\", but Linear regression has numbers to predict, which need \"squared\".",
            Refusal(() => Resolve(With(("data", line), ("loss", "\"logistic\""))))
        );
        var three = new DataSet(
            "Three",
            DataTask.Classification,
            1,
            3,
            new DataSplit
            {
                Count = 40,
                Inputs = 1,
                Floats = new float[40],
                Labels = new int[40],
            },
            null
        );
        Assert.Equal(
            "\"loss\" is \"logistic\", which needs two classes; Three has 3.",
            Refusal(() => SpecResolver.Resolve(Read(With()), three))
        );
    }

    [Theory]
    [InlineData("\"logistic\"", 1)]
    [InlineData("\"squared\"", 1)]
    [InlineData("\"cross-entropy\"", 2)]
    public void Both_ends_of_the_network_are_inferred(string loss, int outputs) =>
        Assert.Equal([2, 8, outputs], Resolve(With(("model", """{ "hidden": [8] }"""), ("loss", loss))).Network.Sizes);

    [Fact]
    public void There_is_one_run_for_each_batch_size_and_seed()
    {
        var plan = Resolve(With(("batchSizes", "[32, \"full\"]"), ("seeds", "[3, 4]"), ("learningRateRule", "\"linear\"")));
        Assert.Equal(["b32-s3", "b32-s4", "b500-s3", "b500-s4"], plan.Runs.Select(r => r.Id));
        Assert.Equal([0, 1, 2, 3], plan.Runs.Select(r => r.Index));
        Assert.Equal([32L, 32, 2, 2], plan.Runs.Select(r => r.TotalUpdates!.Value));
        Assert.Equal(0.1 * 500 / 32, plan.Runs[2].LearningRate, 12);
    }

    [Theory]
    [InlineData("{ \"epochs\": 3 }", 3, 3)]
    [InlineData("{ \"updates\": 100 }", 0.2, 6.256)]
    [InlineData("{ \"examples\": 1000 }", 2, 2)]
    public void A_cosine_without_a_length_lasts_as_long_as_its_run(string budget, double first, double second)
    {
        var plan = Resolve(With(("schedule", "{ \"kind\": \"cosine\" }"), ("budget", budget)));
        Assert.Equal([first, second], plan.Runs.Select(run => run.Schedule.Epochs!.Value));
        Assert.Equal(first, plan.BundleOf([plan.Runs[0]]).Schedule.Epochs);
        Assert.Null(plan.Spec.Schedule.Epochs);
    }

    [Fact]
    public void What_grows_is_counted_at_its_size()
    {
        var plan = Resolve(
            With(
                ("batchSizes", "[100]"),
                ("batchSchedule", "{ \"everyEpochs\": 1, \"factor\": 2 }"),
                ("budget", "{ \"epochs\": 4 }"),
                ("microBatch", "50")
            )
        );
        var run = plan.Runs[0];
        Assert.Equal((100, 500, 5 + 3 + 2 + 1L), (run.BatchSize, run.Progress.LargestBatch, run.TotalUpdates));
        var bundle = plan.BundleOf(plan.Runs);
        Assert.Equal((100, plan.Spec.BatchSchedule, 50), (bundle.BatchSize, bundle.BatchSchedule, bundle.MicroBatch));
        Assert.Equal(2000, bundle.SamplerOf(0, 500).Progress.ExamplesAfter(11));
    }

    [Theory]
    [InlineData("{ \"kind\": \"adamw\" }", "{ \"kind\": \"cosine\" }", "null", "AdamW, rate 0.1 for every B, cosine")]
    [InlineData(
        "null",
        "{ \"kind\": \"step\", \"everyEpochs\": 30, \"warmup\": { \"epochs\": 5 } }",
        "null",
        "SGD, rate 0.1 for every B, ×0.1 every 30 epochs, warm-up of 5 epochs"
    )]
    [InlineData(
        "{ \"kind\": \"rmsprop\" }",
        "{ \"warmup\": { \"kind\": \"constant\", \"epochs\": 1 } }",
        "{ \"everyEpochs\": 1 }",
        "RMSprop, rate 0.1 for every B, constant warm-up of 1 epoch, B ×2 every epoch"
    )]
    public void The_title_names_schedules(string optimizer, string schedule, string growth, string words) =>
        Assert.Equal(
            $"Moons, linear model 2-1, {words}, equal epochs",
            Resolve(With(("optimizer", optimizer), ("schedule", schedule), ("batchSchedule", growth))).Title
        );

    [Theory]
    [InlineData(
        "moons",
        "{ \"hidden\": [8, 8], \"activation\": \"tanh\" }",
        "Moons, MLP 2-8-8-1, tanh, SGD, rate 0.1 for every B, equal epochs"
    )]
    [InlineData("moons", "{}", "Moons, linear model 2-1, SGD, rate 0.1 for every B, equal epochs")]
    [InlineData("beale", "null", "Beale, two weights, SGD, rate 0.1 for every B, equal epochs")]
    public void The_title_says_what_is_held_equal(string data, string model, string title) =>
        Assert.Equal(title, Resolve(With(("data", $$"""{ "kind": "{{data}}" }"""), ("model", model))).Title);

    [Theory]
    [InlineData(
        "Moons, MLP 2-8-8-1, linear, momentum 0.9, rate ∝ √B, ×0.1 every 30 epochs, warm-up of 5 epochs, equal epochs",
        "Moons，MLP 2-8-8-1，线性激活，动量 0.9，学习率 ∝ √B，每 30 轮 ×0.1，预热 5 轮，轮数相同"
    )]
    [InlineData(
        "A, b, linear model 2-1, SGD, rate 0.1 for every B, cosine, constant warm-up of 1 epoch, B ×2 every epoch, equal updates",
        "A，b，线性模型 2-1，SGD，各 B 的学习率均为 0.1，余弦调度，恒定预热 1 轮，B 每轮 ×2，更新次数相同"
    )]
    [InlineData(
        "Beale, two weights, Adam, rate tuned for each B, B ×3 every 6 epochs, equal lane seconds",
        "Beale，两个权重，Adam，学习率按 B 分别调节，B 每 6 轮 ×3，通道秒数相同"
    )]
    [InlineData(
        "Moons, linear model 2-1, L-BFGS, no line search, rate 0.1 for every B, hardest of 50, 16 workers in step, equal epochs",
        "Moons，线性模型 2-1，L-BFGS，无线搜索，各 B 的学习率均为 0.1，每 50 个取最难的，16 个同步工作者，轮数相同"
    )]
    [InlineData(
        "Drift, linear model 2-1, conjugate gradients, strong Wolfe, rate ∝ B, 2 workers, gradients 1 update old, equal epochs",
        "Drift，线性模型 2-1，共轭梯度，强 Wolfe，学习率 ∝ B，2 个工作者，梯度滞后 1 次更新，轮数相同"
    )]
    [InlineData(
        "Digits, small MobileNet-like CNN of 12,345 weights, SGD, rate ∝ B, equal epochs",
        "Digits，小型 MobileNet 式卷积网络，SGD，学习率 ∝ B，轮数相同"
    )]
    public void A_title_is_put_into_Chinese_as_the_page_has_it(string title, string chinese) =>
        Assert.Equal(chinese, Titles.InChinese(title));

    /// <summary>A rate that float32 has, which a rule takes out of its range.</summary>
    [Fact]
    public void Rates_that_a_rule_makes_too_small_are_refused()
    {
        string spec = With(
            ("batchSizes", "[1, 100]"),
            ("learningRate", "2e-44"),
            ("learningRateRule", "\"linear\""),
            ("referenceBatchSize", "100")
        );
        Assert.Equal(
            "\"batchSizes[0]\" is 1, whose learning rate is 2e-46 by the rule; float32, in which networks train, makes 0 of it.",
            Refusal(() => Resolve(spec))
        );
        Assert.Equal(2, Resolve(spec.Replace("2e-44", "2e-3")).Runs.Count);
        Assert.Equal(0, Resolve(With(("optimizer", "{ \"weightDecay\": 0.0e-400 }"))).Spec.Optimizer.WeightDecay);
    }

    [Theory]
    [InlineData("sampler", "{ \"hard\": { \"pool\": 501 } }", "\"sampler.hard.pool\" is 501, but Moons has only 500 training examples.")]
    [InlineData(
        "sampler",
        "{ \"hard\": { \"pool\": 99 } }",
        "\"sampler.hard.pool\" is 99, less than the batch of 100 that \"batchSizes[0]\" wants to choose from it."
    )]
    [InlineData("sampler", "{ \"hard\": {} }", "\"sampler.hard.pool\" is missing; it must be a whole number of examples.")]
    [InlineData(
        "workers",
        "{ \"count\": 6 }",
        "\"batchSizes[0]\" is 100, 600 with 6 workers in step, but Moons has only 500 training examples."
    )]
    [InlineData(
        "workers",
        "{ \"count\": 2, \"staleness\": 1 }",
        "\"workers.staleness\" is not a key of \"workers\"; known here are count, mode."
    )]
    [InlineData("workers", "{ \"count\": 0 }", "\"workers.count\" is 0; it must be a whole number from 1 to 64.")]
    public void Pools_and_workers_that_do_not_fit_are_refused(string key, string json, string sentence) =>
        Assert.Equal(sentence, Refusal(() => Resolve(With(("batchSizes", "[100]"), (key, json)))));

    [Theory]
    [InlineData("[{ \"kind\": \"dense\", \"units\": 4 }, { \"kind\": \"dropout\", \"rate\": 0.5 }, { \"kind\": \"dense\" }]", "dropout")]
    [InlineData("[{ \"kind\": \"dense\", \"units\": 4 }, { \"kind\": \"batchNorm\" }, { \"kind\": \"dense\" }]", "batch norms")]
    public void A_search_needs_losses_that_are_the_same_twice(string layers, string what) =>
        Assert.Contains(
            $"compares losses of one batch; with {what}",
            Refusal(() =>
                Resolve(With(("model", $$"""{ "kind": "layers", "layers": {{layers}} }"""), ("optimizer", "{ \"kind\": \"lbfgs\" }")))
            )
        );

    [Fact]
    public void Stale_gradients_and_searches_exclude_each_other()
    {
        string Spec(string workers) => With(("optimizer", "{ \"kind\": \"lbfgs\" }"), ("workers", workers));
        Assert.StartsWith(
            "\"workers\" with gradients of older weights cannot go with the optimizer \"lbfgs\"",
            Refusal(() => Resolve(Spec("{ \"count\": 2, \"mode\": \"asynchronous\" }")))
        );
        Assert.Equal(0, Resolve(Spec("{ \"count\": 1, \"mode\": \"asynchronous\" }")).Runs[0].Staleness);
    }

    [Fact]
    public void A_pool_is_what_examples_and_epochs_count()
    {
        var plan = Resolve(
            With(("batchSizes", "[10, 25]"), ("sampler", "{ \"hard\": { \"pool\": 50 } }"), ("budget", "{ \"epochs\": 2 }"))
        );
        Assert.All(plan.Runs, run => Assert.Equal((20L, 50L), (run.TotalUpdates, run.Progress.ExamplesAfter(1))));
        Assert.Equal([10, 25], plan.Runs.Select(run => run.BatchSize));
        Assert.Equal("Moons, linear model 2-1, SGD, rate 0.1 for every B, hardest of 50, equal epochs", plan.Title);
        // A fork chooses more from the same pools.
        var fork = ForkResolver.Resolve(plan, plan.Runs[0], 5, new Dictionary<string, string> { ["batchSize"] = "40" }, 2);
        Assert.Equal((40, 250L), (fork.BatchSize, fork.Progress.ExamplesAfter(5)));
        Assert.StartsWith(
            "\"sampler.hard.pool\" is 50, less than the batch of 60",
            Refusal(() => ForkResolver.Resolve(plan, plan.Runs[0], 5, new Dictionary<string, string> { ["batchSize"] = "60" }, 2))
        );
    }

    private static ExperimentPlan Resolve(string text)
    {
        var spec = Read(text);
        return SpecResolver.Resolve(spec, DataSource.Load(spec.Data, name => throw new FileNotFoundException(name)));
    }
}
