using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using BatchViz.Components.NewExperiment;
using BatchViz.Core.Specs;
using Bunit;

namespace BatchViz.Tests.Components;

/// <summary>The settings of the dialog as HTML.</summary>
public partial class SpecFieldsTests(RunningHost host) : OwnerComponents(host), IClassFixture<RunningHost>
{
    /// <summary>An editor's note, what the data alone decides, and lists of layers, which are written as JSON.</summary>
    private static readonly string[] WithoutField = ["$schema", "model.kind", "model.layers", "model.towers"];

    [Fact]
    public void Every_key_of_the_schema_has_a_field()
    {
        var shown = new HashSet<string>();
        foreach (var (kind, _) in SpecVocabulary.Data)
            shown.UnionWith(Keys(Render(Changed(form => form.SetData(kind)))));
        foreach (string preset in ModelPresets.Names)
            shown.UnionWith(Keys(Render(Changed(form => form.SetPreset(preset)))));
        foreach (var (kind, _) in SpecVocabulary.Optimizers)
            shown.UnionWith(Keys(Render(Changed(form => form.SetOptimizer(kind)))));
        foreach (var (kind, _) in SpecVocabulary.Schedules)
            shown.UnionWith(Keys(Render(Changed(form => form.SetSchedule(kind)))));
        foreach (string kind in new[] { "epochs", "updates", "examples", "seconds" })
            shown.UnionWith(Keys(Render(Changed(form => form.SetBudget(kind)))));
        shown.UnionWith(Keys(Render(Changed(form => form.SetRule("linear")))));
        shown.UnionWith(Keys(Render(Changed(form => form.SetWarmup("gradual")))));
        shown.UnionWith(Keys(Render(Changed(form => form.SetGrowth("true")))));
        shown.UnionWith(
            Keys(
                Render(
                    Changed(form =>
                    {
                        form.SetHard("true");
                        form.SetWorkers("asynchronous");
                    })
                )
            )
        );

        var schema = JsonDocument.Parse(File.ReadAllText(Schema())).RootElement;
        string[] missing = [.. KeysOf(schema, "").Except(WithoutField).Where(key => !shown.Contains(key))];
        Assert.Empty(missing);
    }

    [Fact]
    public void Choices_that_bring_keys_of_their_own_are_read_back()
    {
        Assert.Equal(ScheduleKind.Step, Changed(form => form.SetSchedule("step")).Spec?.Schedule.Kind);
        var warm = Changed(form =>
        {
            form.SetWarmup("constant");
            form.SetSchedule("cosine");
        }).Spec!.Schedule;
        Assert.Equal((ScheduleKind.Cosine, WarmupKind.Constant), (warm.Kind, warm.Warmup!.Kind));
        Assert.Equal(2, Changed(form => form.SetGrowth("true")).Spec?.BatchSchedule?.Factor);
        Assert.Null(
            Changed(form =>
            {
                form.SetGrowth("true");
                form.SetGrowth("false");
            }).Spec!.BatchSchedule
        );
        Assert.False(Changed(form => form.SetFlag("model.bias", "false")).Spec?.Model.Bias);
        var apart = Changed(form =>
        {
            form.SetHard("true");
            form.SetWorkers("asynchronous");
            form.Set("workers.staleness", "2");
        }).Spec!;
        Assert.Equal((256, WorkerMode.Asynchronous, 2), (apart.Sampler.Pool, apart.Workers!.Mode, apart.Workers.Delay));
        Assert.Null(
            Changed(form =>
            {
                form.SetWorkers("synchronous");
                form.SetWorkers("");
                form.SetHard("true");
                form.SetHard("false");
            }).Spec!.Sampler.Pool
        );
        Assert.Equal(
            LineSearch.None,
            Changed(form =>
            {
                form.SetOptimizer("lbfgs");
                form.SetLineSearch("none");
            }).Spec!.Optimizer.LineSearch
        );
        Assert.Equal("lenet", Changed(form => form.SetPreset("lenet")).Spec?.Model.Preset);
        Assert.Equal(LossKind.InfoNce, Changed(form => form.SetPreset("two-tower")).Spec?.Loss);
        Assert.Equal(
            (ModelKind.Dense, LossKind.Logistic),
            Changed(form =>
            {
                form.SetPreset("two-tower");
                form.SetPreset("");
            }).Spec
                is { } dense
                ? (dense.Model.Kind, dense.Loss)
                : default
        );
        var probes = SpecVocabulary.Probes.Select(probe => probe.Word).ToArray();
        Assert.Equal(
            [ProbeKind.Gradient, ProbeKind.Trace],
            Changed(form =>
            {
                form.Tick("probes", "trace", true, probes);
                form.Tick("probes", "gradient", true, probes);
            }).Spec!.Probes
        );
    }

    /// <summary>
    /// Two towers need pairs, pairs a contrastive loss; a convolution is dear to evaluate, so its landscape is that of examples/lenet.json.
    /// </summary>
    [Fact]
    public void Every_architecture_can_be_started_as_it_is_chosen()
    {
        foreach (string preset in ModelPresets.Names)
        {
            var spec = Changed(form =>
            {
                form.SetData("mnist");
                form.SetPreset(preset);
            }).Spec;
            Assert.NotNull(spec);
            Assert.Equal(
                (
                    preset == "two-tower" ? DataKind.Pairs : DataKind.Mnist,
                    preset is "lenet" or "resnet-small" or "mobilenet-small" ? (256, 33) : (1024, 65)
                ),
                (spec.Data.Kind, (spec.Landscape.EvaluationExamples, spec.Landscape.Resolution))
            );
        }
        var towers = Changed(form =>
        {
            form.SetPreset("two-tower");
            form.SetData("pairs");
            form.Set("loss", "sigmoid-contrastive");
            form.SetBase("circles");
        }).Spec!;
        Assert.Equal((DataKind.Pairs, DataKind.Circles, LossKind.SigmoidContrastive), (towers.Data.Kind, towers.Data.Base, towers.Loss));
        Assert.Equal(DataKind.Moons, Changed(form => form.SetPreset("two-tower")).Spec!.Data.Base);
        var left = Changed(form =>
        {
            form.SetPreset("two-tower");
            form.SetData("mnist");
        }).Spec!;
        Assert.Equal((DataKind.Mnist, ModelKind.Dense, LossKind.CrossEntropy), (left.Data.Kind, left.Model.Kind, left.Loss));
        var own = Changed(form =>
        {
            form.SetData("mnist");
            form.Set("landscape.resolution", "17");
            form.SetPreset("lenet");
            form.SetPreset("mlp");
        }).Spec!;
        Assert.Equal((1024, 17), (own.Landscape.EvaluationExamples, own.Landscape.Resolution));
        Assert.Equal(
            [ProbeKind.Gradient],
            Changed(form =>
            {
                foreach (string probe in new[] { "gradient", "noise-scale" })
                    form.Tick("probes", probe, true, SpecVocabulary.Probes.Select(p => p.Word));
                form.SetPreset("two-tower");
            }).Spec!.Probes
        );
        Assert.Equal("logistic", Changed(form => form.SetPreset("logistic")).Architecture);
    }

    [Theory]
    [InlineData("batchSizes", "1, nine")]
    [InlineData("schedule.factor", "7")]
    [InlineData("engine", "TPU!")]
    [InlineData("precision", "float8")]
    [InlineData("landscape.evaluationExamples", "0")]
    public void A_refusal_stands_beside_the_field_that_it_names(string key, string typed)
    {
        var form = Changed(form =>
        {
            form.SetSchedule("step");
            if (key == "batchSizes")
                form.SetList(key, typed);
            else
                form.Set(key, typed);
        });
        string id = SpecForm.IdOf(key);
        string html = System.Net.WebUtility.HtmlDecode(Render(form));

        Assert.Contains($"id=\"{id}-problem\"", html);
        Assert.Contains(form.Problem!, html);
        Assert.Single(Regex.Matches(html, "aria-invalid=\"true\""));
    }

    [Fact]
    public void In_Chinese_no_label_and_no_refusal_is_English()
    {
        var before = CultureInfo.CurrentUICulture;
        CultureInfo.CurrentUICulture = new CultureInfo("zh-Hans");
        try
        {
            foreach (var (kind, _) in SpecVocabulary.Data)
            {
                string text = Tags()
                    .Replace(
                        Render(
                            Changed(form =>
                            {
                                form.SetData(kind);
                                form.SetWarmup("gradual");
                            })
                        ),
                        "\n"
                    );
                text += Tags().Replace(Render(Changed(form => form.SetPreset("two-tower"))), "\n");
                Assert.Empty(EnglishRun().Matches(text).Select(match => match.Value));
            }
            string refused = Changed(form => form.SetList("batchSizes", "0")).Problem!;
            Assert.StartsWith("\"batchSizes[0]\" 是 0；", refused);
            Assert.Empty(EnglishRun().Matches(refused).Select(match => match.Value));
        }
        finally
        {
            CultureInfo.CurrentUICulture = before;
        }
    }

    private static SpecForm Changed(Action<SpecForm> change)
    {
        var form = new SpecForm(SpecReader.Read(System.Text.Encoding.UTF8.GetBytes(SomeHost.Moons)));
        form.SetList("batchSizes", "1, 32");
        change(form);
        return form;
    }

    private string Render(SpecForm form)
    {
        var fields = Render<SpecFields>(parameters => parameters.Add(component => component.Form, form));
        string html = fields.Markup;
        fields.Dispose();
        return html;
    }

    private static IEnumerable<string> Keys(string html) => DataKey().Matches(html).Select(match => match.Groups[1].Value);

    /// <summary>The leaves; what has keys of its own is reached by them.</summary>
    private static IEnumerable<string> KeysOf(JsonElement schema, string path) =>
        schema
            .GetProperty("properties")
            .EnumerateObject()
            .SelectMany(property =>
                property.Value.TryGetProperty("properties", out _)
                    ? KeysOf(property.Value, $"{path}{property.Name}.")
                    : [$"{path}{property.Name}"]
            );

    private static string Schema()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "docs", "experiment.schema.json")))
                return Path.Combine(folder.FullName, "docs", "experiment.schema.json");
        throw new FileNotFoundException("docs/experiment.schema.json");
    }

    [GeneratedRegex("data-key=\"([^\"]+)\"")]
    private static partial Regex DataKey();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tags();

    [GeneratedRegex("[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")]
    private static partial Regex EnglishRun();
}
