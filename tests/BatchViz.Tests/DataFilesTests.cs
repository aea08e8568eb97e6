using BatchViz.Core.Specs;
using BatchViz.Data;

namespace BatchViz.Tests;

/// <summary>Which files an experiment can reach: those inside its folder, and from the page only folders inside <c>--data</c>.</summary>
public sealed class DataFilesTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("batchviz-test-").FullName;
    private readonly DataFiles files;

    public DataFilesTests()
    {
        foreach (string folder in new[] { "data/sub", "data2", "outside/deep" }) Directory.CreateDirectory(Path.Combine(root, folder));
        foreach (string file in new[] { "data/in.csv", "data/sub/in.csv", "data2/in.csv", "in.csv", "outside/in.csv" })
            File.WriteAllText(Path.Combine(root, file), "x,y\n1,a\n2,b\n");
        (string Link, string Target)[] links =
        [
            ("same", "sub"), ("alias.csv", "same/in.csv"), ("out", "../outside"), ("out.csv", "../in.csv"), ("chain.csv", "out/in.csv"),
            ("climb.csv", "out/deep/../../in.csv"), ("round", "round"),
        ];
        foreach (var (link, target) in links) File.CreateSymbolicLink(Path.Combine(root, "data", link), target);
        files = new DataFiles(Path.Combine(root, "data"));
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Theory]
    [InlineData(null, "in.csv")]
    [InlineData(null, "sub/in.csv")]
    [InlineData(".", "in.csv")]
    [InlineData("sub", "in.csv")]
    [InlineData("same", "in.csv")]
    [InlineData("sub/../sub", "in.csv")]
    [InlineData(null, "alias.csv")]
    public void A_file_inside_the_folder_is_read_also_through_links_that_stay_inside(string? folder, string file)
    {
        Assert.Equal(2, Rows(folder, file, trusted: false));
        Assert.Equal(2, Rows(folder, file, trusted: true));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("../data2")]
    [InlineData("sub/../../outside")]
    [InlineData("/")]
    [InlineData("/etc")]
    [InlineData("out")]
    [InlineData("out/deep/..")]
    [InlineData("round")]
    [InlineData("%2e%2e")]
    [InlineData("%252e%252e")]
    [InlineData("..\\data2")]
    public void A_folder_outside_is_refused_to_the_page(string folder)
        => Assert.Throws<SpecException>(() => Rows(folder, "in.csv", trusted: false));

    [Theory]
    [InlineData("../data2")]
    [InlineData("out")]
    public void The_own_user_may_name_any_folder(string folder) => Assert.Equal(2, Rows(folder, "in.csv", trusted: true));

    [Theory]
    [InlineData("../in.csv")]
    [InlineData("sub/../../in.csv")]
    [InlineData("/etc/passwd")]
    [InlineData("%2e%2e/in.csv")]
    [InlineData("%252e%252e/in.csv")]
    [InlineData("..%2fin.csv")]
    [InlineData("..\\\\in.csv")]
    [InlineData("out.csv")]
    [InlineData("out/in.csv")]
    [InlineData("chain.csv")]
    [InlineData("climb.csv")]
    [InlineData("round")]
    [InlineData("round/in.csv")]
    [InlineData("sub")]
    public void A_file_outside_its_folder_is_refused_to_everybody(string file)
    {
        foreach (bool trusted in new[] { false, true })
        {
            string sentence = Assert.Throws<SpecException>(() => Rows(null, file, trusted)).Message;
            Assert.EndsWith(".", sentence);
            Assert.DoesNotContain("..", sentence.Replace(file, ""));
        }
    }

    [Fact]
    public void A_device_that_never_ends_is_read_as_the_nothing_it_says_it_holds()
        => Assert.Contains("has no rows", Assert.Throws<SpecException>(() => Rows("/dev", "zero", trusted: true)).Message);

    private int Rows(string? folder, string file, bool trusted)
    {
        string named = folder is null ? "" : $"\"folder\": \"{folder.Replace("\\", "\\\\")}\", ";
        var spec = SpecReader.Read(System.Text.Encoding.UTF8.GetBytes(
            $$"""{ "data": { "kind": "csv", {{named}}"file": "{{file}}", "testFraction": 0 }, "learningRate": 0.1, "batchSizes": [1], "budget": { "epochs": 1 } }"""));
        return files.Load(spec.Data, trusted).Train.Count;
    }
}
