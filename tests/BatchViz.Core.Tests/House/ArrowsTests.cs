using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace BatchViz.Core.Tests.House;

public class ArrowsTests
{
    private const string Stage = "src/BatchViz.Stage";

    [Fact]
    public void The_projects_of_src_reference_each_other_one_way()
    {
        var projects = Repository
            .Files("src", "*.csproj")
            .Select(path => Arrows.ReadProject(Path.GetFileNameWithoutExtension(path), XElement.Parse(Repository.Read(path))))
            .ToList();

        Assert.Contains(projects, project => project.Name == "BatchViz.Core");
        Assert.Empty(Arrows.Backwards(projects));
    }

    [Fact]
    public void Stage_imports_itself_and_its_packages_only()
    {
        var packages = JsonNode.Parse(Repository.Read("package.json"))!["dependencies"]!.AsObject().Select(entry => entry.Key).ToHashSet();
        var imports = Repository.Files(Stage, "*.ts").SelectMany(path => Arrows.ReadImports(path, Repository.Read(path))).ToList();

        Assert.NotEmpty(imports);
        Assert.Empty(Arrows.Backwards(imports, Stage, packages));
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = Repository.Read("BatchViz.sln").Replace('\\', '/');
        Assert.All(
            Repository.Files("src", "*.csproj").Concat(Repository.Files("tests", "*.csproj")),
            path => Assert.Contains(path, solution)
        );
    }

    [Theory]
    [InlineData(
        "BatchViz.Training",
        "<ProjectReference Include='..\\BatchViz.Engine.Cpu\\BatchViz.Engine.Cpu.csproj' />",
        "BatchViz.Training must not reference BatchViz.Engine.Cpu."
    )]
    [InlineData(
        "BatchViz.Core",
        "<ProjectReference Include='../BatchViz.Recording/BatchViz.Recording.csproj' />",
        "BatchViz.Core must not reference BatchViz.Recording."
    )]
    [InlineData(
        "BatchViz.Core",
        "<FrameworkReference Include='Microsoft.AspNetCore.App' />",
        "BatchViz.Core must not install Microsoft.AspNetCore.App."
    )]
    [InlineData("BatchViz.Recording", "<PackageReference Include='MudBlazor' />", "BatchViz.Recording must not install MudBlazor.")]
    [InlineData("BatchViz", "<PackageReference Include='TorchSharp-cpu' />", "BatchViz must not install TorchSharp-cpu.")]
    [InlineData("BatchViz.Cellar", "", "BatchViz.Cellar has no place in the house; name its arrows here.")]
    public void A_backward_reference_is_named(string name, string item, string complaint)
    {
        var project = Arrows.ReadProject(name, XElement.Parse($"<Project Sdk='Microsoft.NET.Sdk'><ItemGroup>{item}</ItemGroup></Project>"));
        Assert.Equal([complaint], Arrows.Backwards([project]));
    }

    [Fact]
    public void A_library_that_becomes_a_web_project_is_named() =>
        Assert.Equal(
            ["BatchViz.Training must not use Microsoft.NET.Sdk.Web."],
            Arrows.Backwards([Arrows.ReadProject("BatchViz.Training", XElement.Parse("<Project Sdk='Microsoft.NET.Sdk.Web' />"))])
        );

    private const string Host = "src/BatchViz";

    [Fact]
    public void Nothing_in_the_host_but_program_imports_its_command_line_and_its_contracts_import_nothing_of_it()
    {
        string[] files = [.. Repository.Files(Host, "*.cs"), .. Repository.Files(Host, "*.razor")];
        string[] folders =
        [
            .. files
                .Select(path => path[(Host.Length + 1)..])
                .Where(path => path.Contains('/'))
                .Select(path => path[..path.IndexOf('/')])
                .Distinct(),
        ];

        Assert.Superset(new HashSet<string> { "Api", "Cli", "Live", "Recordings", "Web", "Components" }, folders.ToHashSet());
        Assert.Empty(files.SelectMany(path => Arrows.BackwardsInHost(path[(Host.Length + 1)..], Repository.Read(path), folders)));
    }

    [Theory]
    [InlineData("Live/Lines.cs", "using BatchViz.Cli;", "Cli")]
    [InlineData("Web/HistoryApi.cs", "using static BatchViz.Cli.RunCommand;", "Cli")]
    [InlineData("Components/Home.razor", "@using BatchViz.Cli", "Cli")]
    [InlineData("Recordings/RecordingExport.cs", "var engine = Cli.RecordingFiles.Engine(made);", "Cli")]
    [InlineData("Api/Manifest.cs", "using BatchViz.Live;", "Live")]
    public void A_backward_import_in_the_host_is_named(string file, string source, string target) =>
        Assert.Equal([$"{file} must not import BatchViz.{target}."], Arrows.BackwardsInHost(file, source, ["Api", "Cli", "Live"]));

    [Theory]
    [InlineData("Program.cs", "using BatchViz.Cli;")]
    [InlineData("Cli/RunCommand.cs", "using BatchViz.Cli; using BatchViz.Live;")]
    [InlineData("Live/Lines.cs", "/// As <see cref=\"BatchViz.Cli\"/>.\nusing BatchViz.Api; using System.Cli.Tools;")]
    public void A_forward_import_in_the_host_is_not(string file, string source) =>
        Assert.Empty(Arrows.BackwardsInHost(file, source, ["Api", "Cli", "Live"]));

    [Fact]
    public void What_the_program_tells_others_is_put_together_by_contracts() =>
        Assert.DoesNotContain(
            [.. Repository.Files("src", "*.cs"), .. Repository.Files("src", "*.razor"), .. Repository.Files("bench", "*.cs")],
            path => Arrows.BuildsJsonByHand(path[(path.IndexOf('/') + 1)..], Repository.Read(path))
        );

    [Theory]
    [InlineData("BatchViz/Web/LibraryApi.cs", "var json = new JsonObject { [\"id\"] = 1 };", true)]
    [InlineData("BatchViz/Web/Access.cs", "Results.Json(new { role })", true)]
    [InlineData("BatchViz.Core/Specs/SpecWriter.cs", "new JsonObject()", false)]
    [InlineData("BatchViz/Web/LibraryApi.cs", "ApiJson.Answer(new Session(role, true)) // no JsonObject", false)]
    public void Json_by_hand_is_seen(string file, string source, bool byHand) =>
        Assert.Equal(byHand, Arrows.BuildsJsonByHand(file, source));

    [Theory]
    [InlineData("import { a } from '../../BatchViz.Training/a';", "../../BatchViz.Training/a")]
    [InlineData("export * from \"../../../tests/b\";", "../../../tests/b")]
    [InlineData("const c = await import('left-pad');", "left-pad")]
    [InlineData("import 'node:fs';", "node:fs")]
    [InlineData("import {\n  d,\n} from '@other/d/deep';", "@other/d/deep")]
    public void A_backward_import_is_named(string source, string target) =>
        Assert.Equal(
            [$"{Stage}/charts/a.ts must not import {target}."],
            Arrows.Backwards(Arrows.ReadImports($"{Stage}/charts/a.ts", source), Stage, new HashSet<string> { "uplot" })
        );

    [Theory]
    [InlineData("import uPlot from 'uplot'; import 'uplot/dist/uPlot.min.css'; export { e } from '../wire';")]
    [InlineData("range(\"from\"); const words = \"to\";")]
    [InlineData("// import 'left-pad'\n/* export * from '../../x' */")]
    public void A_forward_import_is_not(string source) =>
        Assert.Empty(Arrows.Backwards(Arrows.ReadImports($"{Stage}/charts/a.ts", source), Stage, new HashSet<string> { "uplot" }));
}
