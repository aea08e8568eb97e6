using System.Text;
using BatchViz.Components.NewExperiment;
using BatchViz.Core.Specs;

namespace BatchViz.Tests.Components;

public class SpecFormTests
{
    private const string Digits = """
        { "name": "Digits", "data": { "kind": "mnist" }, "model": { "hidden": [128, 64] }, "learningRate": 0.05, "learningRateRule": "square-root",
          "referenceBatchSize": 64, "batchSizes": [1, 32, "full"], "seeds": [1, 2], "optimizer": { "kind": "adam", "beta1": 0.8 }, "budget": { "epochs": 3 } }
        """;

    public static TheoryData<string> Kinds =>
        [.. SpecVocabulary.Data.Select(word => word.Word).Where(word => word is not ("csv" or "idx"))];

    [Fact]
    public void A_spec_goes_through_the_form_unchanged()
    {
        var spec = Read(Digits);
        var form = new SpecForm(spec);

        Assert.Null(form.Problem);
        Assert.Equal(Text(spec), Text(form.Spec!));
        Assert.Equal(
            ("128, 64", "1, 32, full", "1, 2", "0.05", "square-root", "epochs", "3", "0.8"),
            (
                form.Get("model.hidden"),
                form.Get("batchSizes"),
                form.Get("seeds"),
                form.Get("learningRate"),
                form.Rule,
                form.Budget,
                form.Get("budget.epochs"),
                form.Get("optimizer.beta1")
            )
        );
    }

    [Fact]
    public void Schedules_that_no_field_shows_are_not_lost()
    {
        var spec = Read(
            Digits
                .Replace("[1, 32, \"full\"]", "[1, 32]")
                .Replace(
                    "\"optimizer\":",
                    """
                    "schedule": { "kind": "cosine", "floor": 0.1, "warmup": { "kind": "constant", "epochs": 0.5, "factor": 0.2 } },
                    "batchSchedule": { "factor": 3, "everyEpochs": 2, "maximum": 1024 }, "microBatch": 64, "optimizer":
                    """
                )
        );
        var form = new SpecForm(spec);
        Assert.Equal(Text(spec), Text(form.Spec!));
        form.SetOptimizer("adadelta");
        form.Set("optimizer.rho", "0.8");
        form.SetBudget("updates");
        form.SetRule("tuned");
        Assert.Equal(
            (0.8, spec.Schedule, spec.BatchSchedule, spec.MicroBatch),
            (form.Spec!.Optimizer.Rho, form.Spec.Schedule, form.Spec.BatchSchedule, form.Spec.MicroBatch)
        );
    }

    [Fact]
    public void Half_a_character_is_refused_in_a_sentence_and_never_reaches_a_field()
    {
        var form = new SpecForm(Read(Digits)) { Text = """{ "name": "\ud800", "data": { "kind": "xor" } }""" };

        Assert.NotNull(form.Problem);
        Assert.False(form.HasFields);
    }

    [Fact]
    public void What_is_typed_into_fields_is_in_the_JSON_and_in_the_spec()
    {
        var form = new SpecForm(Read(Digits));
        form.SetList("model.hidden", "32,16;8");
        form.SetList("batchSizes", "4 full");
        form.Set("learningRate", "1e-3");
        form.Set("data.trainExamples", "5000");
        form.Set("sampler.remainder", "drop");

        var spec = Read(form.Text);
        Assert.Equal([32, 16, 8], spec.Model.Hidden);
        Assert.Equal([new BatchSize(4), BatchSize.Full], spec.BatchSizes);
        Assert.Equal((1e-3, (int?)5000, RemainderPolicy.Drop), (spec.LearningRate.Rate, spec.Data.TrainExamples, spec.Sampler.Remainder));
        form.Set("data.trainExamples", " ");
        Assert.Null(Read(form.Text).Data.TrainExamples);
    }

    [Fact]
    public void What_is_written_as_JSON_is_in_the_fields()
    {
        var form = new SpecForm(Read(Digits));
        form.Text =
            """{ "data": { "kind": "xor", "noise": 0.2 }, "learningRate": { "2": 0.1, "full": 1 }, "batchSizes": [2, "full"], "budget": { "updates": 70 } }""";

        Assert.Null(form.Problem);
        Assert.Equal(
            ("xor", "0.2", "tuned", "2: 0.1, full: 1", "2, full", "updates", "70", "sgd"),
            (
                form.Get("data.kind"),
                form.Get("data.noise"),
                form.Rule,
                form.Get("learningRate"),
                form.Get("batchSizes"),
                form.Budget,
                form.Get("budget.updates"),
                form.Get("optimizer.kind")
            )
        );
        Assert.StartsWith("""{ "data": { "kind": "xor",""", form.Text);
    }

    [Theory]
    [InlineData("batchSizes", "1, 8, fulll", "\"batchSizes[2]\" is \"fulll\"; a batch size is a whole number from 1 up, or \"full\".")]
    [InlineData("batchSizes", "0", "\"batchSizes[0]\" is 0; a batch size is a whole number from 1 up, or \"full\".")]
    [InlineData("learningRate", "NaN", "\"learningRate\" is \"NaN\"; it must be a number above 0, at most 1,000.")]
    [InlineData("model.hidden", "64, x", "\"model.hidden[1]\" is \"x\"; it must be a whole number from 1 to 16,384.")]
    [InlineData("budget.epochs", "-1", "\"budget.epochs\" is -1; it must be a number above 0, at most 1,000,000.")]
    [InlineData("budget.epochs", "", "\"budget\" must have exactly one of epochs, updates, examples and seconds.")]
    public void What_a_field_cannot_mean_is_refused_in_the_readers_words(string path, string typed, string sentence)
    {
        var form = new SpecForm(Read(Digits));
        if (path is "batchSizes" or "model.hidden")
            form.SetList(path, typed);
        else
            form.Set(path, typed);

        Assert.Null(form.Spec);
        Assert.Equal(sentence, form.Problem);
        Assert.Equal(typed.Length > 0, form.Blames(path));
        Assert.Equal(typed, form.Get(path));
        Assert.False(form.Blames("seeds"));
    }

    [Fact]
    public void A_refusal_beside_the_data_stands_until_something_changes()
    {
        var form = new SpecForm(Read(Digits));
        form.Refuse("\"batchSizes[1]\" is 32, but Digits has only 20 training examples.");

        Assert.True(form.Blames("batchSizes"));
        Assert.NotNull(form.Spec);
        form.SetList("batchSizes", "1, 16");
        Assert.Null(form.Problem);
    }

    [Fact]
    public void Lists_stand_on_one_line() => Assert.Contains("\"batchSizes\": [1, 32, \"full\"],", new SpecForm(Read(Digits)).Text);

    [Fact]
    public void Text_that_is_no_JSON_is_kept_and_shows_no_fields()
    {
        var form = new SpecForm(Read(Digits));
        form.Text = "{ \"data\": ";

        Assert.StartsWith("The experiment is not JSON", form.Problem);
        Assert.False(form.HasFields);
        Assert.Equal("{ \"data\": ", form.Text);
        form.Text = "{ \"data\": { \"kind\": \"moons\" } }";
        Assert.True(form.HasFields);
        Assert.Equal("moons", form.Get("data.kind"));
        Assert.StartsWith("\"batchSizes\" is missing", form.Problem);
    }

    [Fact]
    public void JSON_with_a_key_twice_is_refused_not_a_crash()
    {
        var form = new SpecForm(Read(Digits));
        form.Text = """{ "name": "a", "name": "b" }""";

        Assert.Equal("\"name\" is given twice.", form.Problem);
        Assert.False(form.HasFields);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_data_set_can_be_chosen_after_every_other(string kind)
    {
        foreach (var (before, _) in SpecVocabulary.Data)
        {
            var form = new SpecForm(Read(Digits));
            form.SetData(before);
            form.SetData(kind);

            Assert.Null(form.Problem);
            Assert.Equal(kind, form.Get("data.kind"));
            Assert.Equal(Titles.DataName(form.Spec!.Data.Kind), form.Spec.Name);
            Assert.Equal([new BatchSize(1), new BatchSize(32), BatchSize.Full], form.Spec.BatchSizes);
        }
    }

    [Fact]
    public void Optimisers_budgets_and_rules_bring_what_they_need_and_leave_the_rest()
    {
        var form = new SpecForm(Read(Digits));
        foreach (var (word, kind) in SpecVocabulary.Optimizers)
        {
            form.SetOptimizer(word);
            Assert.Equal(kind, form.Spec?.Optimizer.Kind);
        }
        foreach (string budget in new[] { "seconds", "examples", "updates", "epochs" })
        {
            form.SetBudget(budget);
            Assert.Null(form.Problem);
            Assert.Equal(budget, form.Budget);
        }
        form.SetRule("tuned");
        Assert.Equal("1: 0.05, 32: 0.05, full: 0.05", form.Get("learningRate"));
        Assert.Equal(LearningRateRule.Tuned, form.Spec?.LearningRate.Rule);
        form.SetRates("1: 0.01, 32: 0.1, full");
        Assert.Equal("\"learningRate.full\" is \"\"; it must be a number above 0, at most 1,000.", form.Problem);
        form.SetRule("linear");
        Assert.Equal((LearningRateRule.Linear, 0.01), (form.Spec?.LearningRate.Rule, form.Spec?.LearningRate.Rate));
    }

    private static ExperimentSpec Read(string json) => SpecReader.Read(Encoding.UTF8.GetBytes(json));

    private static string Text(ExperimentSpec spec) => SpecWriter.Write(spec).ToJsonString();
}
