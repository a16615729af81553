import java.util.Arrays;
import org.codelibs.opensearch.runner.OpenSearchRunner;

/**
 * Starts one node of OpenSearch 3, for tests and benchmarks. The runner's own program makes every node that is started
 * alone a cluster by itself.
 *
 * <p>Arguments: the discovery type; the address of the node that begins the cluster, or "none"; then those of the runner.
 */
public class OpenSearchNode {
  public static void main(String[] arguments) throws Exception {
    String discovery = arguments[0];
    String beginner = arguments[1];
    OpenSearchRunner runner = new OpenSearchRunner();
    runner.onBuild(
        (number, settings) -> {
          settings.put("discovery.type", discovery);
          if (!beginner.equals("none")) {
            settings.put("cluster.initial_cluster_manager_nodes", beginner);
          }
        });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(runner)));
    runner.build(Arrays.copyOfRange(arguments, 2, arguments.length));
    Thread.currentThread().join();
  }

  private static void close(OpenSearchRunner runner) {
    try {
      runner.close();
    } catch (Exception error) {
      error.printStackTrace();
    }
  }
}
