using BatchViz.Components;
using BatchViz.Components.Fields;
using BatchViz.Components.Fork;
using BatchViz.Components.NewExperiment;
using BatchViz.Components.Share;
using Bunit;

namespace BatchViz.Tests.Components;

/// <summary>What the owner's dialogs say, refuse and keep.</summary>
public class DialogTests(RunningHost host) : OwnerComponents(host), IClassFixture<RunningHost>
{
    [Fact]
    public async Task A_fork_refuses_a_setting_beside_its_field_and_is_made_once_it_is_mended()
    {
        await Ended();
        var fork = Render<ForkDialog>();
        await fork.InvokeAsync(() => fork.Instance.OpenAt("b7-s1", 30, new() { ["batchSize"] = "14" }));
        Shown.WaitForAssertion(() => Assert.Equal("30", Shown.Find("#fork-update").GetAttribute("value")), Patience);
        Assert.Equal("14", Shown.Find("#fork-batch").GetAttribute("value"));
        Assert.Equal("b7-s1", Shown.Find("#fork-run").GetAttribute("value"));

        await Shown.Find("#fork-batch").InputAsync("none");
        Shown.WaitForAssertion(() => Assert.Contains("\"batchSize\" is \"none\"", Shown.Find("#fork-batch-problem").TextContent), Patience);
        Assert.Equal("true", Shown.Find("#fork-batch").GetAttribute("aria-invalid"));
        Assert.True(Shown.Find("#fork-start").HasAttribute("disabled"));

        await Shown.Find("#fork-batch").InputAsync("14");
        Shown.WaitForAssertion(() => Assert.Contains("b7-s1-u30: ", Shown.Find("#fork-problem").TextContent), Patience);
        Assert.Empty(Shown.FindAll("#fork-batch-problem"));
        await Shown.Find("form").SubmitAsync();
        Shown.WaitForAssertion(() => Assert.Empty(Shown.FindAll("[role=dialog]")), Patience);
        Assert.Contains(Experiments.Current!.Experiment.Runs, run => run.Plan is { Id: "b7-s1-u30", BatchSize: 14 });
        Assert.Equal("b7-s1-u30", Script.VerifyInvoke("forked").Arguments.Single());
    }

    [Fact]
    public async Task An_experiment_that_is_refused_says_so_at_the_field_and_is_kept_until_it_is_started()
    {
        var dialog = Render<NewExperimentDialog>();
        await dialog.InvokeAsync(dialog.Instance.Open);
        await Tab("Settings");

        await Shown.Find("#spec-batchSizes").InputAsync("1, 8, fulll");
        Shown.WaitForAssertion(
            () =>
                Assert.Equal(
                    "\"batchSizes[2]\" is \"fulll\"; a batch size is a whole number from 1 up, or \"full\".",
                    Shown.Find("#spec-batchSizes-problem").TextContent.Trim()
                ),
            Patience
        );
        Assert.Equal("true", Shown.Find("#spec-batchSizes").GetAttribute("aria-invalid"));
        Assert.Equal("spec-batchSizes-problem", Shown.Find("#spec-batchSizes").GetAttribute("aria-describedby"));
        Assert.True(Shown.Find("#start").HasAttribute("disabled"));

        // What only the data can refuse.
        await Shown.Find("#spec-batchSizes").InputAsync("1, 8, 9999999");
        Shown.WaitForAssertion(
            () => Assert.Contains("\"batchSizes[2]\" is 9999999, but Moons has only", Shown.Find("#spec-problem").TextContent),
            Patience
        );
        Assert.True(Shown.Find("#start").HasAttribute("disabled"));

        await Shown.Find(".close").ClickAsync(new());
        Shown.WaitForAssertion(() => Assert.Empty(Shown.FindAll("[role=dialog]")), Patience);
        await dialog.InvokeAsync(dialog.Instance.Open);
        Shown.WaitForAssertion(() => Assert.Equal("1, 8, 9999999", Shown.Find("#spec-batchSizes").GetAttribute("value")), Patience);
    }

    [Fact]
    public async Task A_comma_that_was_just_typed_stays_and_a_field_and_the_JSON_are_two_views_of_one_text()
    {
        var dialog = Render<NewExperimentDialog>();
        await dialog.InvokeAsync(dialog.Instance.Open);
        await Tab("Settings");
        await Shown.Find("#spec-seeds").InputAsync("1, 2, ");
        Assert.Equal("1, 2, ", Shown.Find("#spec-seeds").GetAttribute("value"));
        await Tab("JSON");
        Assert.Contains("\"seeds\": [1, 2]", Shown.Find("#spec-json").GetAttribute("value"));

        await Shown.Find("#spec-json").InputAsync("{ \"seeds\": ");
        await Tab("Settings");
        Shown.WaitForAssertion(() => Assert.Contains("no JSON yet", Shown.Find(".empty").TextContent), Patience);
        Assert.True(Shown.Find("#start").HasAttribute("disabled"));
    }

    [Fact]
    public async Task A_ready_experiment_is_found_by_its_name_and_chosen()
    {
        var chosen = new List<string>();
        var cards = Render<PresetCards>(parameters =>
            parameters
                .Add(component => component.Presets, Preset.ReadAll(Preset.Folder))
                .Add(component => component.Choose, preset => chosen.Add(preset.Key))
        );

        await cards.Find("#find-preset").InputAsync("l-bfgs");
        Shown.WaitForAssertion(() => Assert.Single(Shown.FindAll(".found")), Patience);
        await Shown.Find(".found").ClickAsync(new());

        Shown.WaitForAssertion(() => Assert.Equal(["lbfgs"], chosen), Patience);
        Assert.Equal(".presets input[value=\"lbfgs\"]", Script.VerifyInvoke("focus").Arguments[0]);
    }

    [Fact]
    public async Task A_plane_through_the_same_run_twice_is_refused_in_the_dialog()
    {
        await Ended();
        var dialog = Render<ThreeRunsDialog>();
        await dialog.InvokeAsync(dialog.Instance.Open);
        Shown.WaitForAssertion(
            () => Assert.Equal(["b1-s1", "b7-s1", "b200-s1"], Shown.FindComponents<SelectInput>().Select(select => select.Instance.Value)),
            Patience
        );
        Assert.Equal("B = 7", Shown.Find("#three-runs-2").GetAttribute("value"));

        await Shown.InvokeAsync(() => Shown.FindComponents<SelectInput>()[1].Instance.ValueChanged.InvokeAsync("b1-s1"));
        await Shown.Find("form").SubmitAsync();
        Shown.WaitForAssertion(
            () => Assert.Equal("A plane through three runs needs three different ones.", Shown.Find("#three-runs-problem").TextContent),
            Patience
        );
        Assert.Equal("B = 1", Shown.Find("#three-runs-2").GetAttribute("value"));
    }

    [Fact]
    public async Task Only_the_viewers_link_is_shown_until_the_owners_is_asked_for()
    {
        var share = Render<ShareDialog>(parameters => parameters.Add(component => component.Watching, 3));
        await share.InvokeAsync(share.Instance.Open);
        Shown.WaitForAssertion(() => Assert.Contains("3 pages are open, this one included.", Shown.Markup), Patience);
        Assert.EndsWith($"/join/{Host.Links.Viewer}", Shown.Find("#viewer-link").GetAttribute("value"));
        Assert.Contains("--urls http://0.0.0.0:5000 --sign-in", Shown.Markup);
        Assert.DoesNotContain(Host.Links.Owner, Shown.Markup);

        await Shown.Find("#show-owner-link").ClickAsync(new());
        Shown.WaitForAssertion(
            () => Assert.EndsWith($"/join/{Host.Links.Owner}", Shown.Find("#owner-link").GetAttribute("value")),
            Patience
        );

        // Closed and opened again it is hidden as before.
        await Shown.Find(".close").ClickAsync(new());
        await share.InvokeAsync(share.Instance.Open);
        Shown.WaitForAssertion(() => Assert.Single(Shown.FindAll("#show-owner-link")), Patience);
    }

    [Fact]
    public async Task A_model_of_two_weights_has_no_other_plane_and_the_menu_says_why()
    {
        var menu = Render<PlaneMenu>(parameters =>
            parameters
                .Add(component => component.Ready, true)
                .Add(component => component.TwoWeights, true)
                .Add(component => component.Plane, BatchViz.Core.Specs.PlaneKind.Weights)
                .Add(component => component.Fitting, false)
                .Add(component => component.Count, 3)
        );
        Assert.Equal("Exact plane", menu.Find("#plane button").GetAttribute("aria-label"));

        await menu.Find("#plane button").ClickAsync(new());
        Shown.WaitForAssertion(() => Assert.Contains("its whole landscape, exactly", Shown.Find("[role=menu]").TextContent), Patience);
        Assert.All(Shown.FindAll("[role=menuitem]"), item => Assert.Equal("true", item.GetAttribute("aria-disabled")));
    }

    private async Task Tab(string name)
    {
        Shown.WaitForState(() => Shown.FindAll("[role=tab]").Count == 3, Patience);
        await Shown.FindAll("[role=tab]").Single(tab => tab.TextContent.Trim() == name).ClickAsync(new());
    }
}
