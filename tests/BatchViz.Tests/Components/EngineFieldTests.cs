using BatchViz.Components.NewExperiment;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engines;
using Bunit;

namespace BatchViz.Tests.Components;

/// <summary>The choice of an engine, with the engines of this machine.</summary>
public class EngineFieldTests(RunningHost host) : OwnerComponents(host), IClassFixture<RunningHost>
{
    private readonly SpecForm form = new(SpecReader.Read(System.Text.Encoding.UTF8.GetBytes(SomeHost.Moons)));

    [Fact]
    public void Each_engine_that_is_here_has_its_cost_and_each_that_is_not_its_reason()
    {
        var fields = Measured();
        foreach (var engine in EngineList.All())
        {
            var row = fields.Find($"[data-engine='{engine.Name}']");
            string note = row.QuerySelector(".note")!.TextContent;
            Assert.Equal(engine.WhyNot is not null, row.QuerySelector("input")!.HasAttribute("disabled"));
            if (engine.WhyNot is { } why)
                Assert.Equal(engine.HowToGet is { } how ? $"{why} {how}" : why, note);
            else
                Assert.Matches("^about .+ of training, .+ of memory$", note);
        }
        Assert.StartsWith("here: ", fields.Find("#spec-engine-auto-note").TextContent);
        Assert.True(fields.Find("#spec-engine-auto").HasAttribute("checked"));
    }

    [Fact]
    public async Task What_is_chosen_is_in_the_experiment_and_automatic_takes_it_out_again()
    {
        var fields = Measured();
        await fields.Find("#spec-engine-cpu").ChangeAsync(new() { Value = "on" });
        Assert.Equal("cpu", form.Spec!.Engine);
        await fields.Find("#spec-engine-auto").ChangeAsync(new() { Value = "on" });
        Assert.Null(form.Spec!.Engine);
        Assert.DoesNotContain("\"engine\"", form.Text);
    }

    [Fact]
    public void An_engine_that_has_not_the_precision_says_so_in_place_of_its_cost()
    {
        form.Set("precision", "bf16");
        Assert.Equal(Precision.BFloat16, form.Spec!.Precision);
        string note = Measured().Find("#spec-engine-cpu-note").TextContent;
        Assert.Equal("\"precision\" is \"bf16\", but the embedded engine computes in float32.", note);
    }

    [Fact]
    public async Task An_engine_that_only_the_JSON_names_has_a_row_and_is_refused_beside_the_field()
    {
        form.SetText("engine", "tpu");
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Experiments.Estimate(form.Spec!, default));
        Assert.StartsWith("\"engine\" is \"tpu\"; ", refused.Message);
        form.Refuse(refused.Message);
        var fields = Render<SpecFields>(parameters => parameters.Add(component => component.Form, form));
        Assert.True(fields.Find("#spec-engine-tpu").HasAttribute("checked"));
        Assert.Equal(refused.Message, fields.Find("#spec-engine-problem").TextContent);
        Assert.Equal("spec-engine-problem", fields.Find("#spec-engine").GetAttribute("aria-describedby"));
        Assert.Equal("true", fields.Find("#spec-engine").GetAttribute("aria-invalid"));
    }

    /// <summary>Refused by its name, so that the sentence stands beside the field.</summary>
    [Fact]
    public async Task An_engine_that_is_not_here_is_refused_by_the_key_that_names_it()
    {
        var absent = form.Spec! with { Engine = "torch:cuda:99" };
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Experiments.Estimate(absent, default));
        Assert.StartsWith("\"engine\" is \"torch:cuda:99\": ", refused.Message);
    }

    private IRenderedComponent<SpecFields> Measured()
    {
        var fields = Render<SpecFields>(parameters => parameters.Add(component => component.Form, form));
        fields.WaitForAssertion(() => fields.Find("#spec-engine[data-measured]"), Patience);
        return fields;
    }
}
